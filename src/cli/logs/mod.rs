//! `mcpgw logs`: what the audit log tells, filtered; `mcpgw logs verify`: whether it is whole.
//!
//! Reads the files of the state directory, whether a gateway runs or not.

mod csv;
mod human;
mod moment;
mod verify;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::audit::Head;
use crate::audit::read::{Entries, Entry, Filter};
use crate::cli::arguments::{Logs, LogsAction, RecordFormat, WhichGateway};
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::output::Output;
use crate::serve::state_directory;
use crate::text::safe;

pub(super) use moment::moment;

/// How often a log that is followed is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// Where a gateway records whose `[gateway.audit]` names no file, in its state directory.
const DEFAULT: &str = "audit.jsonl";

pub(super) fn run(arguments: &Logs, output: &Output) -> Outcome {
    if let Some(LogsAction::Verify(arguments)) = &arguments.action {
        return verify::run(arguments, output);
    }
    let (log, _) = find(&arguments.gateway, &arguments.config.all())?;
    let filter = Filter {
        endpoint: arguments.endpoint.clone(),
        server: arguments.server.clone(),
        tool: arguments.tool.clone(),
        user: arguments.user.clone(),
        since: arguments.since,
        until: arguments.until,
        status: arguments.status.map(Into::into),
    };
    let mut entries = Entries::open(&log).map_err(|error| unread(&log, &error))?;
    let mut printer = Printer::new(arguments, output);
    printer.begin()?;
    if !arguments.follow {
        while let Some(entry) = entries.read().map_err(|error| unread(&log, &error))? {
            printer.print(&entry, &filter)?;
        }
        printer.end()?;
        return Ok(Exit::Fine);
    }
    loop {
        if let Some(entry) = entries.read_so_far().map_err(|error| unread(&log, &error))? {
            printer.print(&entry, &filter)?;
        } else {
            printer.flush()?;
            std::thread::sleep(LOOK);
        }
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

    fn print(&mut self, entry: &Entry, filter: &Filter) -> Result<(), Failure> {
        if !filter.admits(entry) {
            return Ok(());
        }
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

/// The log of the state directory, and what that knows of it.
fn find(gateway: &WhichGateway, paths: &[PathBuf]) -> Result<(PathBuf, Option<Head>), Failure> {
    let state = match &gateway.gateway {
        Some(url) if url.contains("://") => {
            return Err(
                Failure::new("the audit log is read where it is written, not over a control API's URL")
                    .hint("run this on the gateway's machine, and name its state directory with `--state DIR`"),
            );
        }
        Some(socket) => Path::new(socket).parent().unwrap_or(Path::new(".")).to_owned(),
        None => state_directory(gateway.state.as_deref(), paths),
    };
    let shown = safe(&state.to_string_lossy()).into_owned();
    let head = crate::audit::head(&state)
        .map_err(|error| Failure::new(format_args!("{shown}/audit.head cannot be read: {error}")))?;
    let log = match &head {
        Some(head) if head.file.as_os_str().is_empty() => {
            return Err(Failure::new(
                "this gateway records nothing: `gateway.audit.file` is empty",
            ));
        }
        Some(head) if head.file.as_os_str() == "-" => {
            return Err(Failure::new(
                "this gateway's audit log goes to its stdout: read it there",
            ));
        }
        Some(head) => head.file.clone(),
        None => state.join(DEFAULT),
    };
    if head.is_none() && !log.exists() {
        return Err(
            Failure::new(format_args!("no gateway has recorded anything in {shown}"))
                .hint("name the state directory of one with `--state DIR`, or its configuration with `-C PATH`"),
        );
    }
    Ok((log, head))
}

fn unread(log: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format_args!("{} cannot be read: {error}", safe(&log.to_string_lossy())))
}
