//! The three standard streams of a child, each in a task of its own.

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::upstream::conversation::Conversation;
use crate::upstream::stdio::lines::{Line, Lines};
use crate::upstream::stdio::mux::Mux;
use crate::upstream::stdio::plain;

/// Of standard error, a line.
const MAX_ERROR_LINE: usize = 8 * 1024;

/// A line for the child.
pub(super) struct Outline {
    pub(super) pieces: Vec<Bytes>,
    /// Of the request, to be marked as written.
    pub(super) number: Option<u64>,
}

pub(super) async fn write(
    mut stdin: ChildStdin,
    mut outlines: mpsc::Receiver<Outline>,
    mux: Arc<Mux>,
    stop: CancellationToken,
) {
    let writing = async {
        while let Some(outline) = outlines.recv().await {
            if let Some(number) = outline.number {
                mux.mark_written(number);
            }
            let mut pieces = outline.pieces;
            pieces.push(Bytes::from_static(b"\n"));
            // Small lines in one write.
            if pieces.iter().map(Bytes::len).sum::<usize>() <= 32 * 1024 {
                pieces = vec![Bytes::from(pieces.concat())];
            }
            for piece in pieces {
                if stdin.write_all(&piece).await.is_err() {
                    return;
                }
            }
        }
    };
    tokio::select! {
        () = writing => {}
        () = stop.cancelled() => {}
    }
}

pub(super) async fn read(
    stdout: ChildStdout,
    most: usize,
    mux: Arc<Mux>,
    conversation: Weak<Conversation>,
    stop: CancellationToken,
) {
    let mut lines = Lines::new(stdout, most);
    while let Some(line) = lines.next().await {
        match line {
            Line::Whole(line) if line.trim_ascii().is_empty() => {}
            Line::Whole(line) => match conversation.upgrade() {
                Some(conversation) => mux.receive(&line, &conversation),
                None => break,
            },
            Line::TooLong { beginning } => {
                tracing::warn!(most, "a line of a server is too long and is left out");
                mux.receive_too_long(&beginning);
            }
        }
    }
    // A server that closed its standard output can answer nothing more. What it was asked is lost either way.
    tokio::time::sleep(Duration::from_millis(100)).await;
    stop.cancel();
}

pub(super) async fn log(stderr: ChildStderr, server: String) {
    let mut lines = Lines::new(stderr, MAX_ERROR_LINE);
    while let Some(line) = lines.next().await {
        match line {
            Line::Whole(text) => {
                let text = plain(text.trim_ascii_end());
                if !text.is_empty() {
                    tracing::info!(target: "mcpgw::upstream::stderr", server, "{text}");
                }
            }
            Line::TooLong { beginning } => {
                let beginning = &*plain(&beginning);
                tracing::info!(target: "mcpgw::upstream::stderr", server, beginning, "a long line");
            }
        }
    }
}
