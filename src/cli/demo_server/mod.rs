//! `mcpgw demo-server`: a small MCP server on stdio with made-up personal data, for the quickstart and for trying things.
//!
//! One JSON message per line comes in, one per line goes out; stderr is its log. It speaks every revision that the
//! gateway speaks: with a handshake up to 2025-11-25, without one in 2026-07-28, both in the same process. Every
//! line, queue and number of running calls is bounded.

mod context;
mod conversation;
mod data;
mod line;
mod reply;
mod tools;

use std::time::Duration;

use tokio::io::{AsyncBufRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::mpsc;

use self::conversation::Conversation;
use self::line::Line;
use super::exit::{Exit, Failure, Outcome};

/// Lines that wait to be written; a reader that does not read slows the calls down.
const QUEUE: usize = 64;

/// How long running calls may go on after stdin has ended (`echo … | mcpgw demo-server`).
const LAST_CALLS: Duration = Duration::from_secs(3);

pub(super) fn run() -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format_args!("cannot start: {error}")))?;
    let served = runtime.block_on(serve(BufReader::new(tokio::io::stdin()), tokio::io::stdout()));
    // A blocked read of stdin must not keep a finished process.
    runtime.shutdown_background();
    served?;
    Ok(Exit::Fine)
}

/// Answers until the input ends or nobody reads the output.
async fn serve(
    mut input: impl AsyncBufRead + Unpin,
    output: impl AsyncWrite + Send + Unpin + 'static,
) -> std::io::Result<()> {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let mut writer = tokio::spawn(write(receiver, output));
    let mut conversation = Conversation::new(sender);
    loop {
        tokio::select! {
            line = line::next(&mut input) => match line? {
                Line::Text(text) => conversation.receive(&text).await,
                Line::TooLong => conversation.refuse_long_line().await,
                Line::End => break,
            },
            written = &mut writer => return written.unwrap_or(Ok(())),
        }
    }
    conversation.finish(LAST_CALLS).await;
    writer.await.unwrap_or(Ok(()))
}

async fn write(mut lines: mpsc::Receiver<String>, mut output: impl AsyncWrite + Unpin) -> std::io::Result<()> {
    while let Some(mut line) = lines.recv().await {
        line.push('\n');
        output.write_all(line.as_bytes()).await?;
        output.flush().await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
