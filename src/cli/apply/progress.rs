//! While the gateway asks its servers: a bar at a terminal, a line each elsewhere; on stderr.

use std::io::{self, IsTerminal as _};

use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::output::Output;
use crate::control::{Answer, Answered, Event};
use crate::text::{count, safe};

pub(super) struct Progress<'a> {
    output: &'a Output,
    bar: Option<ProgressBar>,
}

impl<'a> Progress<'a> {
    pub(super) fn new(output: &'a Output) -> Self {
        Self { output, bar: None }
    }

    pub(super) fn hear(&mut self, event: &Event) {
        match event {
            Event::Checking { servers: 0 } | Event::Other => {}
            Event::Checking { servers } if io::stderr().is_terminal() => {
                let bar = ProgressBar::new(*servers as u64);
                // A template of our own that cannot be wrong; the default one would do.
                if let Ok(style) = ProgressStyle::with_template("asking servers {bar:24} {pos}/{len}  {msg}") {
                    bar.set_style(style);
                }
                self.bar = Some(bar);
            }
            Event::Checking { servers } => self.output.tell(&format!("asking {}", count(*servers, "server"))),
            Event::Server(answered) => match &self.bar {
                None => self.output.tell(&line(answered)),
                Some(bar) => {
                    if answered.answer != Answer::Answers {
                        bar.println(line(answered));
                    }
                    bar.set_message(safe(&answered.server).into_owned());
                    bar.inc(1);
                }
            },
        }
    }
}

/// The bar does not stay beside what is told next.
impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// `github: answers, 12 tools`.
pub(super) fn line(answered: &Answered) -> String {
    let word = match answered.answer {
        Answer::Answers => "answers",
        Answer::Failed => "fails",
        Answer::LetThrough => "fails, let through by `--unreachable-ok`",
        Answer::NotAuthorizedYet => "not authorized yet",
    };
    let mut line = format!("{}: {word}", safe(&answered.server));
    if let Some(tools) = answered.tools {
        line = format!("{line}, {}", count(tools, "tool"));
    }
    if let Some(reason) = &answered.reason {
        line = format!("{line}: {}", safe(reason));
    }
    line
}
