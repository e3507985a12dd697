//! `mcpgw logs`: what the audit log tells, filtered; `mcpgw logs verify`: whether it is whole.

mod csv;
mod human;
mod moment;
mod source;
mod verify;

use crate::audit::read::{Entry, Filter};
use crate::cli::arguments::{Logs, LogsAction, RecordFormat};
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::logs::source::Source;
use crate::cli::output::Output;

pub(super) use moment::moment;

pub(super) fn run(arguments: &Logs, output: &Output) -> Outcome {
    if let Some(LogsAction::Verify(arguments)) = &arguments.action {
        return verify::run(arguments, output);
    }
    let source = Source::find(&arguments.gateway, &arguments.config.all(), output)?;
    let mut printer = Printer::new(arguments, output);
    printer.begin()?;
    source.read(&filter(arguments), arguments.follow, |entry| match entry {
        Some(entry) => printer.print(entry),
        None => printer.flush(),
    })?;
    printer.end()?;
    Ok(Exit::Fine)
}

fn filter(arguments: &Logs) -> Filter {
    Filter {
        endpoint: arguments.endpoint.clone(),
        server: arguments.server.clone(),
        tool: arguments.tool.clone(),
        user: arguments.user.clone(),
        since: arguments.since,
        until: arguments.until,
        status: arguments.status.map(Into::into),
    }
}

/// Gathers what is to be written, so that a long log is not a `write` an entry.
struct Printer<'a> {
    output: &'a Output,
    format: RecordFormat,
    /// Whether the end will come: without it, JSON is one document a line.
    is_endless: bool,
    is_first: bool,
    waiting: String,
}

impl<'a> Printer<'a> {
    const FULL: usize = 64 << 10;

    fn new(arguments: &Logs, output: &'a Output) -> Self {
        Self {
            output,
            format: arguments.format,
            is_endless: arguments.follow,
            is_first: true,
            waiting: String::new(),
        }
    }

    fn begin(&mut self) -> Result<(), Failure> {
        match self.format {
            RecordFormat::Csv => self.waiting.push_str(&csv::head()),
            RecordFormat::Json if !self.is_endless => self.waiting.push_str("{\"format-version\":1,\"entries\":["),
            RecordFormat::Human | RecordFormat::Json => {}
        }
        self.flush()
    }

    fn print(&mut self, entry: &Entry) -> Result<(), Failure> {
        match self.format {
            RecordFormat::Human => {
                let (width, style) = (self.output.width(), self.output.stdout_style());
                self.waiting.push_str(&human::row(entry, width, style));
            }
            RecordFormat::Csv => self.waiting.push_str(&csv::row(entry)),
            RecordFormat::Json => {
                if !self.is_endless {
                    self.waiting.push_str(if self.is_first { "\n" } else { ",\n" });
                }
                self.waiting.push_str(&self.output.escaped(&entry.to_json()));
                if self.is_endless {
                    self.waiting.push('\n');
                }
            }
        }
        self.is_first = false;
        if self.waiting.len() > Self::FULL {
            self.flush()
        } else {
            Ok(())
        }
    }

    fn end(&mut self) -> Result<(), Failure> {
        if self.format == RecordFormat::Json {
            self.waiting.push_str("\n]}\n");
        }
        self.flush()
    }

    fn flush(&mut self) -> Result<(), Failure> {
        let waiting = std::mem::take(&mut self.waiting);
        if waiting.is_empty() {
            Ok(())
        } else {
            self.output.data(waiting)
        }
    }
}
