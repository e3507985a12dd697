//! For a comment on a pull request: the verdict as the headline, who gains and loses in a table, the rest folded.
//!
//! Foreign text stands in code spans only, so that nothing in it is markup, a mention or a link.

use std::fmt::Write as _;

use super::human::{is_shown, shown};
use super::words::{self, Counts};
use super::{Base, Report};
use crate::lock::markdown_diff;
use crate::plan::{AccessChange, AccessLine, Action, Direction, Row, TableChange};
use crate::text::safe;

/// GitHub refuses comments beyond 65,536 characters; GitLab takes more.
const MOST: usize = 60_000;

pub fn markdown(report: &Report<'_>) -> String {
    let mut out = String::new();
    let plan = report.plan;
    if plan.is_empty() {
        let _ = writeln!(out, "### mcpgw plan: no changes\n\n{}", sides(report));
    } else {
        let _ = writeln!(out, "### mcpgw plan: {}\n\n{}", headline(report), sides(report));
        access(report, &mut out);
        exposure(report, &mut out);
        changes(report, &mut out);
        traffic(report, &mut out);
    }
    findings(report, &mut out);
    holds(report, &mut out);
    let mut end = String::new();
    if !plan.is_empty() {
        let verdict = words::verdict(plan);
        let _ = writeln!(end, "\n{}. {verdict}", words::changes(&plan.changes));
        if let Some(command) = &report.command {
            let _ = writeln!(end, "\nTo apply exactly this: {}", code(command));
        }
    }
    cut(&mut out, MOST.saturating_sub(end.len()));
    out + &end
}

/// Whole lines, and what is missing is said; what was opened is closed.
fn cut(out: &mut String, most: usize) {
    if out.len() <= most {
        return;
    }
    let keep = out[..crate::text::floor(out, most.saturating_sub(300))]
        .rfind('\n')
        .map_or(0, |at| at + 1);
    let missing = out[keep..].lines().count();
    out.truncate(keep);
    let closing = closing(out);
    let _ = writeln!(
        out,
        "{closing}\n**{missing} more lines do not fit into a comment**: run `mcpgw plan` for all of it."
    );
}

/// What ends the blocks that are open at the end of whole lines: all below would be part of them.
fn closing(kept: &str) -> String {
    let (mut fence, mut is_folded) = (None, false);
    for line in kept.lines() {
        match (fence, line) {
            (Some(open), _) if line == open => fence = None,
            (Some(_), _) => {}
            (None, "<details>") => is_folded = true,
            (None, "</details>") => is_folded = false,
            (None, _) => fence = line.strip_suffix("diff").filter(|ticks| is_fence(ticks)),
        }
    }
    let mut closing = fence.map(|fence| format!("{fence}\n")).unwrap_or_default();
    if is_folded {
        closing.push_str("\n</details>\n");
    }
    closing
}

fn is_fence(text: &str) -> bool {
    text.len() > 2 && text.bytes().all(|byte| byte == b'`')
}

fn headline(report: &Report<'_>) -> String {
    let plan = report.plan;
    let mut parts = Vec::new();
    if plan.widens_access() {
        let number = Counts::of(plan).gain.len();
        parts.push(format!(
            "access **widens** for {}",
            crate::text::count(number, "principal")
        ));
    }
    if plan.widens_exposure() {
        parts.push(format!("exposure **widens** ({})", plan.exposure.items.len()));
    }
    if plan.has_unknown() {
        parts.push("some access is **unknown**".to_owned());
    }
    if parts.is_empty() {
        parts.push("nobody gains access, nothing is exposed more".to_owned());
    }
    parts.join(", ")
}

fn sides(report: &Report<'_>) -> String {
    let side = |base: &Base| {
        let digest = base
            .digest
            .as_deref()
            .map(|digest| format!(" ({})", words::short(digest)));
        format!("{}{}", code(&base.name), digest.unwrap_or_default())
    };
    format!("From {} to {}.", side(&report.current), side(&report.proposed))
}

fn access(report: &Report<'_>, out: &mut String) {
    let plan = report.plan;
    let _ = writeln!(out, "\n#### Access: {}\n", Counts::of(plan).summary());
    if plan.access.is_empty() {
        let _ = writeln!(out, "Everybody may do what they could do before.");
        return;
    }
    let _ = writeln!(out, "| | who | endpoint | what | decided by |\n|---|---|---|---|---|");
    for change in &plan.access.changes {
        for group in groups(change) {
            row(change, &group, out);
        }
    }
}

/// Lines with one verb and one cause.
fn groups(change: &AccessChange) -> Vec<Vec<&AccessLine>> {
    let mut groups: Vec<Vec<&AccessLine>> = Vec::new();
    for line in &change.lines {
        let same = |first: &AccessLine| {
            words::mark(first) == words::mark(line)
                && first.cause == line.cause
                && words::notes(first) == words::notes(line)
        };
        match groups.iter_mut().find(|group| same(group[0])) {
            Some(group) => group.push(line),
            None => groups.push(vec![line]),
        }
    }
    groups
}

fn row(change: &AccessChange, group: &[&AccessLine], out: &mut String) {
    let first = group[0];
    let verb = match (words::mark(first), first.direction) {
        ('+', _) => "**gains**",
        ('-', _) => "loses",
        ('!', _) => "**will gain**",
        ('?', Direction::Widens) => "**unknown**",
        ('?', Direction::Narrows) => "loses, unknown",
        (_, Direction::Widens) => "**wider**",
        (_, Direction::Narrows) => "narrower",
    };
    let who: Vec<String> = change
        .who
        .iter()
        .map(|who| {
            if who.is_anonymous() {
                format!("**{}**", words::who(who))
            } else {
                cell(&who.to_string())
            }
        })
        .collect();
    let what: Vec<String> = group.iter().map(|line| cell(&words::object(line))).collect();
    let cause = &first.cause;
    let mut by = Vec::new();
    if cause.rule.is_some() {
        by.push(cell(&words::rule(cause)));
    }
    by.extend(words::notes(first).iter().map(|note| plain(note)));
    let place = words::place(cause.place.as_ref(), cause.was);
    if !place.is_empty() {
        by.push(cell(&place));
    }
    let _ = writeln!(
        out,
        "| {verb} | {} | {} | {} | {} |",
        who.join(", "),
        cell(change.endpoint.as_str()),
        what.join(", "),
        by.join("<br>")
    );
}

fn exposure(report: &Report<'_>, out: &mut String) {
    let items = &report.plan.exposure.items;
    if items.is_empty() {
        let _ = writeln!(out, "\n#### Exposure: no change");
        return;
    }
    let _ = writeln!(out, "\n#### Exposure: {} wider\n", items.len());
    for item in items {
        let place = words::place(item.place.as_ref(), item.was);
        let place = if place.is_empty() {
            place
        } else {
            format!(" {}", code(&place))
        };
        let _ = writeln!(out, "- **{}**: {}{place}", item.what.as_str(), plain(&item.title));
        for detail in &item.details {
            let _ = writeln!(out, "  - {}", code(detail));
        }
    }
}

fn changes(report: &Report<'_>, out: &mut String) {
    let changes = &report.plan.changes;
    let hidden = match changes.unchanged.len() {
        0 => String::new(),
        number => format!(" ({number} unchanged)"),
    };
    let _ = writeln!(
        out,
        "\n<details>\n<summary>Changes: {}{hidden}</summary>\n",
        words::changes(changes)
    );
    let mut body = String::new();
    for change in &changes.tables {
        table(change, report.all, &mut body);
    }
    if report.all {
        for table in &changes.unchanged {
            let _ = writeln!(body, "  {}", safe(&table.to_string()));
        }
    }
    let fence = "`".repeat(longest_run(&body).max(2) + 1);
    let _ = writeln!(out, "{fence}diff\n{body}{fence}");
    for change in &changes.tables {
        if let Some(diff) = &change.lock {
            let _ = write!(out, "\n{}:\n{}", code(&change.table.to_string()), markdown_diff(diff));
        }
    }
    let _ = writeln!(out, "\n</details>");
}

/// GitHub colours lines of a diff by their first letter.
fn table(change: &TableChange, all: bool, body: &mut String) {
    let sign = match change.action {
        Action::Add => "+",
        Action::Change => " ",
        Action::Remove => "-",
    };
    let place = words::place(change.place.as_ref(), change.action == Action::Remove);
    let name = safe(&change.table.to_string()).into_owned();
    let _ = writeln!(body, "{}", format!("{sign} [{name}]   {place}").trim_end());
    // What differs in a lock has a block of its own.
    let rows = change.rows.iter().filter(|_| change.lock.is_none());
    for row in rows.filter(|row| all || is_shown(row, change.action)) {
        lines(row, change.action, body);
    }
}

fn lines(row: &Row, action: Action, body: &mut String) {
    let key = safe(&row.key);
    let mut tell = |sign: char, text: &str| {
        let _ = writeln!(body, "{sign}   {key} = {}", safe(text));
    };
    if !row.is_changed() {
        tell(' ', &shown(row.current.as_ref()));
        return;
    }
    match (action, row.elements()) {
        (Action::Change, Some((gone, come, _))) if !(gone.is_empty() && come.is_empty()) => {
            let _ = writeln!(body, "    {key}");
            for (sign, words) in [('-', gone), ('+', come)] {
                for word in words {
                    let _ = writeln!(body, "{sign}     {}", safe(word.as_str()));
                }
            }
        }
        _ => {
            if row.current.is_some() {
                tell('-', &shown(row.current.as_ref()));
            }
            if row.proposed.is_some() {
                tell('+', &shown(row.proposed.as_ref()));
            }
        }
    }
}

fn traffic(report: &Report<'_>, out: &mut String) {
    let lines = &report.plan.traffic.lines;
    let _ = writeln!(out, "\n<details>\n<summary>Live traffic</summary>\n");
    for line in lines {
        let _ = writeln!(out, "- {}", plain(line));
    }
    let _ = writeln!(out, "\n</details>");
}

fn findings(report: &Report<'_>, out: &mut String) {
    if report.findings.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "\n<details>\n<summary>{}</summary>\n",
        crate::text::count(report.findings.len(), "finding")
    );
    for finding in &report.findings {
        let place = words::place(finding.place.as_ref(), false);
        let place = if place.is_empty() {
            place
        } else {
            format!(" {}", code(&place))
        };
        let _ = writeln!(
            out,
            "- {} `{}`: {}{place}",
            finding.severity,
            finding.code,
            plain(&finding.title)
        );
        if let Some(help) = &finding.help {
            let _ = writeln!(out, "  - {}", plain(help));
        }
    }
    let _ = writeln!(out, "\n</details>");
}

fn holds(report: &Report<'_>, out: &mut String) {
    if report.holds.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n#### Holds in force: {}\n", report.holds.len());
    for hold in &report.holds {
        let reason = hold
            .reason
            .as_deref()
            .map(|reason| format!(": {}", code(reason)))
            .unwrap_or_default();
        let _ = writeln!(out, "- {} by {}{reason}", code(&hold.what), code(&hold.by));
    }
}

/// Our own sentence, in which foreign words stand in backticks or quotes: all but those backticks is taken literally.
/// Where foreign words bring backticks of their own, nobody can tell what is code: then all of it is.
fn plain(text: &str) -> String {
    let text = safe(text);
    if longest_run(&text) > 1 || text.matches('`').count() % 2 == 1 {
        return cell(&text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    let mut in_code = false;
    for character in text.chars() {
        match character {
            '`' => {
                in_code = !in_code;
                out.push('`');
            }
            '|' => out.push_str("\\|"),
            '<' | '>' | '*' | '_' | '[' | ']' | '\\' | '#' | '~' | '!' if !in_code => {
                out.push('\\');
                out.push(character);
            }
            // Nobody is called by it.
            '@' if !in_code => out.push_str("@<!-- -->"),
            other => out.push(other),
        }
    }
    out
}

/// Foreign text in a paragraph: nothing in it is markup.
fn code(text: &str) -> String {
    let text = safe(text);
    match longest_run(&text) {
        0 => format!("`{text}`"),
        run => {
            let fence = "`".repeat(run + 1);
            format!("{fence} {text} {fence}")
        }
    }
}

/// The same in a table, whose cells end at a `|` even in code.
fn cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}

/// Of backticks.
fn longest_run(text: &str) -> usize {
    text.split(|letter| letter != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_backticks_end_no_code() {
        assert_eq!(plain("the tool `a` is <b>"), "the tool `a` is \\<b\\>");
        for name in ["x` ```<img src=y>", "a``<b>", "a`<b>"] {
            let line = plain(&format!("the tool `{name}` may destroy"));
            let fence = "`".repeat(longest_run(name) + 1);
            assert!(line.starts_with(&fence) && line.ends_with(&fence), "{line}");
        }
    }

    #[test]
    fn what_is_cut_leaves_nothing_open() {
        let head = "### x\n<details>\n<summary>Changes</summary>\n\n````diff\n";
        let lines = "+     <details>\n```diff\n".repeat(100);
        let mut out = format!("{head}{lines}````\n\n</details>\n");
        cut(&mut out, 1_000);
        let end = out.split_once("\n````\n\n</details>\n\n**").map(|(_, end)| end);
        assert!(end.is_some_and(|end| end.contains("more lines do not fit")), "{out}");
        assert!(out.len() <= 1_000, "{}", out.len());

        let mut closed = format!("````diff\n+ a\n````\n{}", "- `b`\n".repeat(200));
        cut(&mut closed, 700);
        assert!(closed.contains("- `b`\n\n**"), "{closed}");
    }
}
