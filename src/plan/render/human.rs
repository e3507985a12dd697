//! For a terminal: the sections in their order, in as many columns as there are.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr;

use super::words::{self, Counts};
use super::{Base, Report};
use crate::lock::human_diff;
use crate::plan::settings::ORDER;
use crate::plan::{AccessChange, AccessLine, Action, Direction, Row, Setting, TableChange, Value, Word};
use crate::text::{Style, safe};

/// More lines of one reason than this stand in a paragraph of names instead of one each.
const MANY: usize = 12;

/// Lines are folded at `width` columns. Colour only repeats what signs and words say.
pub fn human(report: &Report<'_>, color: bool, width: usize) -> String {
    let mut page = Page {
        out: String::new(),
        style: Style::new(color),
        color,
        width: width.max(40),
    };
    page.head(report);
    if report.plan.is_empty() {
        page.line("");
        page.line(&words::nothing(report));
    } else {
        page.access(report);
        page.exposure(report);
        page.changes(report);
        page.traffic(report);
    }
    page.findings(report);
    page.holds(report);
    if !report.plan.is_empty() {
        page.totals(report);
    }
    page.out
}

struct Page {
    out: String,
    style: Style,
    color: bool,
    width: usize,
}

impl Page {
    fn line(&mut self, text: &str) {
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }

    /// Words folded under `indent`, the first line after `first`, which has no style.
    fn fold(&mut self, first: &str, indent: usize, text: &str) {
        self.fold_from(first.to_owned(), first.width(), indent, text);
    }

    /// The same where `columns` of the first line are printed already.
    fn fold_after(&mut self, columns: usize, indent: usize, text: &str) {
        self.fold_from(" ".to_owned(), columns + 1, indent, text);
    }

    fn fold_from(&mut self, mut line: String, mut columns: usize, indent: usize, text: &str) {
        let mut is_empty = true;
        for word in text.split(' ') {
            let width = word.width();
            // Room between columns is none at the start of a line.
            if is_empty && width == 0 && columns == indent {
                continue;
            }
            if !is_empty && columns + 1 + width > self.width {
                self.line(&line);
                line = " ".repeat(indent);
                columns = indent;
                is_empty = true;
            }
            if !is_empty {
                line.push(' ');
                columns += 1;
            }
            line.push_str(word);
            columns += width;
            is_empty = false;
        }
        self.line(&line);
    }

    fn section(&mut self, head: &str, summary: &str) {
        let head = self.style.bold(&format!("{head}:"));
        self.line("");
        self.line(&format!("{head} {summary}"));
    }

    fn head(&mut self, report: &Report<'_>) {
        for (word, base) in [("Current  ", &report.current), ("Proposed ", &report.proposed)] {
            let head = self.style.bold(word);
            self.out.push_str(&head);
            self.fold_after(word.len(), 10, &described(base));
        }
    }

    fn access(&mut self, report: &Report<'_>) {
        let plan = report.plan;
        self.section("ACCESS", &Counts::of(plan).summary());
        for change in &plan.access.changes {
            self.block(change);
        }
    }

    fn block(&mut self, change: &AccessChange) {
        let widens = change.lines.iter().any(|line| line.direction == Direction::Widens);
        let narrows = change.lines.iter().any(|line| line.direction == Direction::Narrows);
        let mark = match (widens, narrows) {
            (true, false) if change.lines.iter().all(AccessLine::is_unknown) => '?',
            (true, false) => '+',
            (false, _) => '-',
            (true, true) => '~',
        };
        let (names, many) = words::subject(change);
        let text = format!(
            "{} {} on endpoint `{}`",
            names.join(", "),
            words::predicate(change, many),
            change.endpoint
        );
        self.fold_from(format!("  {} ", self.sign(mark)), 4, 4, &text);
        for group in reasons(&change.lines) {
            self.reason(&group);
        }
    }

    /// Lines that the same thing of the files decides.
    fn reason(&mut self, lines: &[&AccessLine]) {
        let first = lines[0];
        let by = by(first);
        let mark = self.sign(words::mark(first));
        if lines.len() > MANY {
            let names: Vec<String> = lines.iter().map(|line| words::object(line)).collect();
            self.fold_from(format!("      {mark} "), 8, 8, &names.join(", "));
            self.fold("        ", 8, &by.join("   "));
            return;
        }
        let column = lines
            .iter()
            .map(|line| words::object(line).width())
            .max()
            .unwrap_or(0)
            .clamp(24, 44);
        let rest = by.join("   ");
        let fits = |object: &str| object.width() <= column && 8 + column + 2 + rest.width() <= self.width;
        if lines.iter().all(|line| fits(&words::object(line))) {
            for object in lines.iter().map(|line| words::object(line)) {
                let pad = " ".repeat(column.saturating_sub(object.width()));
                self.line(&format!("      {mark} {object}{pad}  {rest}"));
            }
            return;
        }
        for line in lines {
            self.line(&format!("      {mark} {}", words::object(line)));
        }
        self.fold("            ", 12, &rest);
    }

    fn sign(&self, mark: char) -> String {
        let text = mark.to_string();
        match mark {
            // What widens is nothing good in access.
            '+' | '!' => self.style.warning(&text),
            '?' => self.style.hint(&text),
            _ => self.style.bold(&text),
        }
    }

    fn exposure(&mut self, report: &Report<'_>) {
        let items = &report.plan.exposure.items;
        let summary = match items.len() {
            0 => "no change".to_owned(),
            number => format!("{number} wider"),
        };
        self.section("EXPOSURE", &summary);
        for item in items {
            let sign = self.sign('!');
            self.fold_from(
                format!("  {sign} "),
                4,
                4,
                &format!("{}: {}", item.what.as_str(), safe(&item.title)),
            );
            for detail in &item.details {
                self.fold("      ", 8, &safe(detail));
            }
            let place = words::place(item.place.as_ref(), item.was);
            if !place.is_empty() {
                self.line(&format!("      {}", self.style.dim(&place)));
            }
        }
    }

    fn changes(&mut self, report: &Report<'_>) {
        let changes = &report.plan.changes;
        let hidden = match changes.unchanged.len() {
            0 => String::new(),
            number if report.all => format!(" ({number} unchanged)"),
            number => format!(" ({number} unchanged hidden, --all shows them)"),
        };
        self.section("CHANGES", &format!("{}{hidden}", words::changes(changes)));
        for change in &changes.tables {
            self.table(change, report.all);
        }
        if report.all {
            for table in &changes.unchanged {
                self.line(&format!("    {}", safe(&table.to_string())));
            }
        }
    }

    fn table(&mut self, change: &TableChange, all: bool) {
        let sign = match change.action {
            Action::Add => "+",
            Action::Change => "~",
            Action::Remove => "-",
        };
        let name = self.style.bold(&safe(&change.table.to_string()));
        let place = words::place(change.place.as_ref(), change.action == Action::Remove);
        self.line(&format!("  {sign} {name}   {}", self.style.dim(&place)));
        if change.action == Action::Remove && !all {
            return;
        }
        if let Some(diff) = &change.lock {
            let lines = human_diff(diff, self.color, self.width.saturating_sub(4));
            for line in lines.lines() {
                self.line(&format!("    {line}"));
            }
            return;
        }
        let rows = change.rows.iter().filter(|row| all || is_shown(row, change.action));
        let rows: Vec<&Row> = rows.collect();
        let column = rows.iter().map(|row| row.key.width()).max().unwrap_or(0).min(28);
        for row in rows {
            self.row(row, change.action, column);
        }
    }

    fn row(&mut self, row: &Row, action: Action, column: usize) {
        let key = safe(&row.key);
        let pad = " ".repeat(column.saturating_sub(key.width()));
        let first = format!("      {key}{pad} ");
        let indent = 6 + column + 3;
        match (action, row.elements()) {
            (Action::Change, Some((gone, come, kept))) if row.is_changed() => {
                self.elements(&first, indent, &gone, &come, kept);
            }
            (Action::Change, _) if row.is_changed() => {
                let text = match (shown(row.current.as_ref()), shown(row.proposed.as_ref())) {
                    (old, new) if old == new => format!("= {new} -> another one"),
                    (old, new) => format!("= {old} -> {new}"),
                };
                self.fold(&first, indent, &safe(&text));
            }
            _ => self.value(&first, indent, row.proposed.as_ref().or(row.current.as_ref())),
        }
    }

    fn value(&mut self, first: &str, indent: usize, setting: Option<&Setting>) {
        let whole = format!("= {}", shown(setting));
        let Some(Setting {
            value: Value::List(words),
            ..
        }) = setting.filter(|_| first.width() + whole.width() > self.width)
        else {
            self.fold(first, indent, &safe(&whole));
            return;
        };
        self.line(&format!("{first}= ["));
        for word in words {
            self.fold("          ", 12, &safe(&format!("{word},")));
        }
        self.line("        ]");
    }

    /// What goes and what comes, each on a line of its own.
    fn elements(&mut self, first: &str, indent: usize, gone: &[&Word], come: &[&Word], kept: usize) {
        let mut lines: Vec<String> = gone.iter().map(|word| format!("- {}", safe(word.as_str()))).collect();
        lines.extend(come.iter().map(|word| format!("+ {}", safe(word.as_str()))));
        if lines.is_empty() {
            lines.push("in another order".to_owned());
        }
        if let Some(last) = lines.last_mut().filter(|_| kept > 0) {
            let _ = write!(last, "   ({kept} unchanged)");
        }
        for (index, line) in lines.iter().enumerate() {
            let start = if index == 0 {
                first.to_owned()
            } else {
                " ".repeat(first.width())
            };
            self.fold(&start, indent, line);
        }
    }

    fn traffic(&mut self, report: &Report<'_>) {
        let mut lines = report.plan.traffic.lines.iter();
        let first = lines.next().map_or("nothing is noticed", String::as_str);
        self.line("");
        let head = self.style.bold("LIVE TRAFFIC:");
        self.out.push_str(&head);
        // As wide as it is without its style.
        self.fold_after("LIVE TRAFFIC:".len(), 2, &safe(first));
        for line in lines {
            self.fold("  ", 4, &safe(line));
        }
    }

    fn findings(&mut self, report: &Report<'_>) {
        for finding in &report.findings {
            self.line("");
            let plain = format!("{}[{}]:", finding.severity, finding.code);
            let head = if finding.severity == "error" {
                self.style.error(&plain)
            } else {
                self.style.warning(&plain)
            };
            self.out.push_str(&head);
            self.fold_after(plain.len(), 2, &safe(&finding.title));
            let place = words::place(finding.place.as_ref(), false);
            if !place.is_empty() {
                self.line(&format!("  --> {place}"));
            }
            if let Some(help) = &finding.help {
                self.fold("  help: ", 8, &safe(help));
            }
        }
    }

    fn holds(&mut self, report: &Report<'_>) {
        if report.holds.is_empty() {
            return;
        }
        self.section(
            "HOLDS",
            &format!("{} in force, whatever the files say", report.holds.len()),
        );
        for hold in &report.holds {
            let reason = hold
                .reason
                .as_deref()
                .map(|reason| format!(": {reason}"))
                .unwrap_or_default();
            self.fold("  ", 4, &safe(&format!("{} by {}{reason}", hold.what, hold.by)));
            for line in hold.toml.lines() {
                self.line(&format!("      {}", safe(line)));
            }
        }
    }

    fn totals(&mut self, report: &Report<'_>) {
        self.line("");
        let text = format!(
            "{}. {}",
            words::changes(&report.plan.changes),
            words::verdict(report.plan)
        );
        let head = self.style.bold("Plan:");
        self.out.push_str(&head);
        self.fold_after("Plan:".len(), 2, &text);
        if let Some(command) = &report.command {
            self.line(&format!("To apply exactly this: {}", safe(command)));
        }
    }
}

fn described(base: &Base) -> String {
    let digest = base
        .digest
        .as_deref()
        .map(|digest| format!(", digest {}", words::short(digest)));
    format!("{}{}", safe(&base.name), digest.unwrap_or_default())
}

/// Lines with the same mark, rule and notes, in their order.
fn reasons(lines: &[AccessLine]) -> Vec<Vec<&AccessLine>> {
    let mut groups: Vec<Vec<&AccessLine>> = Vec::new();
    for line in lines {
        let same = |group: &&mut Vec<&AccessLine>| {
            let first = group[0];
            words::mark(first) == words::mark(line) && by(first) == by(line)
        };
        match groups.iter_mut().rev().take(4).find(same) {
            Some(group) => group.push(line),
            None => groups.push(vec![line]),
        }
    }
    groups
}

/// The deciding rule, what happened, and where it stands.
fn by(line: &AccessLine) -> Vec<String> {
    let rule = words::rule(&line.cause);
    let notes = words::notes(line).join(", ");
    let place = words::place(line.cause.place.as_ref(), line.cause.was);
    [rule, notes, place]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect()
}

/// Of a new table what is not the default, and not what other tables tell; of a changed one what changes.
pub(super) fn is_shown(row: &Row, action: Action) -> bool {
    let is_default = |setting: &Option<Setting>| setting.as_ref().is_some_and(|setting| setting.is_default);
    match action {
        Action::Add => !is_default(&row.proposed) && row.key != ORDER,
        Action::Change => row.is_changed(),
        Action::Remove => !is_default(&row.current),
    }
}

/// A value as people read it.
pub(super) fn shown(setting: Option<&Setting>) -> String {
    match setting {
        None => "none".to_owned(),
        Some(Setting {
            value: Value::One(word),
            is_default: true,
            ..
        }) => format!("{word} (default)"),
        Some(setting) => setting.value.to_string(),
    }
}
