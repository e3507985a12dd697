//! One line of the log: an event in, text or JSON out, with personal data taken out of every value that somebody else may have written.
//!
//! What stays as it is: numbers, and of this program's own events the fields of [`OWN`], which say who and where by names of the
//! configuration. All else is covered, also what other crates log at `trace`. Spans are not shown: none is ours.

use std::fmt::{self, Debug};
use std::sync::Arc;

use arc_swap::ArcSwap;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::pii::Cover;
use crate::snapshot::LogFormat;
use crate::text::{floor, safe_lines};

/// Names and places of the configuration, addresses of listeners and connections: what identifies, and never what passes.
const OWN: [&str; 11] = [
    "by",
    "directory",
    "endpoint",
    "file",
    "key",
    "path",
    "peer",
    "principal",
    "server",
    "state",
    "url",
];

/// Of a field `line`, which holds more of a foreign line than is shown, in bytes: it is cut when values in it are covered, not before.
const LINE: usize = 200;

/// Of a field `beginning`, which was cut before it came here, so many bytes at its end are not shown: a value may have been cut in two.
const UNSURE: usize = 512;

/// The field that is shown without its name.
const MESSAGE: &str = "message";

#[derive(Debug)]
pub(super) struct Lines {
    format: LogFormat,
    cover: Arc<ArcSwap<Cover>>,
}

impl Lines {
    pub(super) fn new(format: LogFormat, cover: Arc<ArcSwap<Cover>>) -> Self {
        Self { format, cover }
    }
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let (target, level) = (event.metadata().target(), event.metadata().level());
        let mut fields = Fields {
            cover: &self.cover.load(),
            is_ours: target == "mcpgw" || target.starts_with("mcpgw::"),
            all: Vec::new(),
        };
        event.record(&mut fields);
        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        match self.format {
            LogFormat::Json => json(&mut writer, time, *level, target, fields.all),
            LogFormat::Text => text(&mut writer, &time, *level, &fields.all),
        }
    }
}

fn json(writer: &mut Writer<'_>, time: String, level: Level, target: &str, fields: Vec<(&str, Shown)>) -> fmt::Result {
    let mut line = Map::new();
    line.insert("timestamp".to_owned(), time.into());
    line.insert("level".to_owned(), level.as_str().into());
    for (name, shown) in fields {
        let value = match shown {
            Shown::Formatted(text) | Shown::Text(text) => text.into(),
            Shown::Value(value) => value,
        };
        line.insert(name.to_owned(), value);
    }
    line.insert("target".to_owned(), target.into());
    writeln!(writer, "{}", Value::Object(line))
}

fn text(writer: &mut Writer<'_>, time: &str, level: Level, fields: &[(&str, Shown)]) -> fmt::Result {
    let coloured = writer.has_ansi_escapes();
    let styled = |style: u8, text: &str| {
        if coloured {
            format!("\u{1b}[{style}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    };
    let colour = match level {
        Level::ERROR => 31,
        Level::WARN => 33,
        Level::INFO => 32,
        Level::DEBUG => 34,
        Level::TRACE => 35,
    };
    write!(writer, "{} {}", styled(2, time), styled(colour, &format!("{level:>5}")))?;
    for (name, shown) in fields {
        writer.write_char(' ')?;
        if *name != MESSAGE {
            write!(writer, "{}{}", styled(3, name), styled(2, "="))?;
        }
        match shown {
            Shown::Formatted(text) => writer.write_str(&safe_lines(text))?,
            // In quotes, since its end is not known else.
            Shown::Text(text) => write!(writer, "{}", Value::from(&*safe_lines(text)))?,
            Shown::Value(value) => write!(writer, "{value}")?,
        }
    }
    writer.write_char('\n')
}

/// A field of an event, covered.
#[derive(Debug)]
enum Shown {
    /// What says itself where it ends.
    Formatted(String),
    Text(String),
    Value(Value),
}

struct Fields<'a> {
    cover: &'a Cover,
    /// Of an event of this program.
    is_ours: bool,
    all: Vec<(&'static str, Shown)>,
}

impl Fields<'_> {
    fn covered(&self, name: &str, text: &str) -> String {
        if self.is_ours && OWN.contains(&name) {
            return text.to_owned();
        }
        let covered = self.cover.text(text);
        let end = match name {
            "beginning" => covered.len().saturating_sub(UNSURE),
            "line" => LINE,
            _ => covered.len(),
        };
        covered[..floor(&covered, end)].to_owned()
    }

    /// The message goes first, wherever the event has it.
    fn push(&mut self, name: &'static str, shown: Shown) {
        if name == MESSAGE {
            self.all.insert(0, (name, shown));
        } else {
            self.all.push((name, shown));
        }
    }
}

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let text = self.covered(field.name(), &format!("{value:?}"));
        self.push(field.name(), Shown::Formatted(text));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let text = self.covered(field.name(), value);
        self.push(field.name(), Shown::Text(text));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.push(field.name(), Shown::Value(value.into()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.push(field.name(), Shown::Value(value.into()));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.push(field.name(), Shown::Value(value.into()));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.push(field.name(), Shown::Value(value.into()));
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::Mutex;

    use tracing_subscriber::fmt::MakeWriter;
    use tracing_subscriber::prelude::*;

    use super::*;
    use crate::snapshot::Pii;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Written {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    /// What is written of `log`, without the time.
    fn written(format: LogFormat, log: impl FnOnce()) -> String {
        let table = Pii {
            requests: vec!["all".to_owned()],
            ..Pii::default()
        };
        let cover = Arc::new(ArcSwap::from_pointee(Cover::of([&table]).unwrap()));
        let written = Written::default();
        let lines = tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .event_format(Lines::new(format, cover))
            .with_writer(written.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), log);
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        match format {
            LogFormat::Json => text.split_once(r#"Z","#).unwrap().1.to_owned(),
            LogFormat::Text => text.split_once(' ').unwrap().1.to_owned(),
        }
    }

    fn log() {
        tracing::warn!(principal = %"user:a@corp.com", detail = "to b@corp.com", count = 3, "{}", "of c@corp.com");
    }

    #[test]
    fn who_it_is_stays_and_what_passes_goes() {
        assert_eq!(
            written(LogFormat::Text, log),
            " WARN of [REDACTED_EMAIL] principal=user:a@corp.com detail=\"to [REDACTED_EMAIL]\" count=3\n"
        );
        let module = module_path!();
        assert_eq!(
            written(LogFormat::Json, log),
            format!(
                r#""level":"WARN","message":"of [REDACTED_EMAIL]","principal":"user:a@corp.com","detail":"to [REDACTED_EMAIL]","count":3,"target":"{module}"}}{}"#,
                "\n"
            )
        );
    }

    #[test]
    fn names_of_fields_protect_nothing_in_other_crates() {
        let line = written(
            LogFormat::Text,
            || tracing::warn!(target: "hyper::x", path = "/a@corp.com", "sent"),
        );
        assert_eq!(line, " WARN sent path=\"/[REDACTED_EMAIL]\"\n");
    }

    #[test]
    fn half_a_value_at_the_end_of_what_is_cut_is_not_shown() {
        let line = format!("{}4111 1111 1111 1111", "x ".repeat(93));
        let shown = written(LogFormat::Text, || tracing::warn!(line, "noise"));
        assert!(!shown.contains("4111") && shown.contains("[REDACTED_"), "{shown}");
        let beginning = format!("a@corp.com {} 4111 1111", "x".repeat(600));
        let shown = written(LogFormat::Text, || tracing::warn!(beginning, "noise"));
        assert!(
            !shown.contains("4111") && shown.contains("[REDACTED_EMAIL] x"),
            "{shown}"
        );
    }

    #[test]
    fn a_terminal_obeys_nothing_that_is_logged() {
        let line = written(LogFormat::Text, || tracing::warn!(detail = %"\u{1b}[2J", "a\u{7}"));
        assert_eq!(line, " WARN a\\u{7} detail=\\u{1b}[2J\n");
    }
}
