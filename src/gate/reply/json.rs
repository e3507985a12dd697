//! A JSON answer as it streams by.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context as Waker, Poll, ready};

use bytes::Bytes;
use http_body::{Body as _, SizeHint};

use crate::gate::body::Broken;
use crate::gate::call::InSession;
use crate::gate::record::{Closed, Recorded, Unrecorded};
use crate::mcp::result::ResultEditor;
use crate::pii::{Redaction, Redactor};
use crate::upstream::JsonBody;

/// A JSON result on its way.
pub(in crate::gate) struct JsonReply {
    pub(super) body: JsonBody,
    pub(super) editor: Option<ResultEditor>,
    /// Where something may be redacted.
    pub(super) redaction: Option<(Redactor, Redaction)>,
    /// The editor looks, and changes an id to one of the same length at most: else the announced length is missed, and
    /// the client sees that the answer is not whole.
    pub(super) keeps_length: bool,
    pub(super) ready: VecDeque<Bytes>,
    pub(super) recorded: Recorded,
    /// The answer has ended: its last piece waits for this.
    pub(super) closed: Option<Closed>,
    pub(super) _in_session: Option<InSession>,
}

impl JsonReply {
    pub(in crate::gate) fn poll_data(&mut self, cx: &mut Waker<'_>) -> Poll<Option<Result<Bytes, Broken>>> {
        loop {
            if let Some(closed) = &mut self.closed {
                let written = ready!(closed.poll(cx));
                self.closed = None;
                if written.is_err() {
                    self.ready.clear();
                    return Poll::Ready(Some(Err(Unrecorded::AFTER_THE_CALL.into())));
                }
            }
            if !self.ends_with_what_is_ready()
                && let Some(data) = self.ready.pop_front()
            {
                return Poll::Ready(Some(Ok(data)));
            }
            let Some(editor) = &mut self.editor else {
                return Poll::Ready(None);
            };
            let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
            match frame {
                None => {
                    if let Err(broken) = self.end() {
                        return Poll::Ready(Some(Err(broken)));
                    }
                }
                Some(Err(failure)) => {
                    tracing::warn!(detail = failure.detail, "a server's answer broke off");
                    return Poll::Ready(Some(Err(self.fail(&failure.public()))));
                }
                Some(Ok(frame)) => {
                    let Ok(data) = frame.into_data() else { continue };
                    let mut out = Vec::new();
                    if let Err(error) = editor.feed(data, &mut out) {
                        return Poll::Ready(Some(Err(self.fail(&error.to_string()))));
                    }
                    self.make_ready(out);
                    // hyper does not ask again once the announced length is sent; and what ends here can be recorded before it goes out.
                    if self.body.size_hint().exact() == Some(0)
                        && let Err(broken) = self.end()
                    {
                        return Poll::Ready(Some(Err(broken)));
                    }
                }
            }
        }
    }

    /// The last of a recorded answer waits for its record: what was read last, where the server has not said how long its answer is.
    fn ends_with_what_is_ready(&self) -> bool {
        let more_comes = || self.body.size_hint().exact().is_some_and(|left| left > 0);
        self.editor.is_some() && self.recorded.is_open() && self.ready.len() <= 1 && !more_comes()
    }

    pub(super) fn make_ready(&mut self, pieces: Vec<Bytes>) {
        let Some((redactor, mut redaction)) = self.redaction.take() else {
            self.recorded.note_all(&pieces);
            self.ready.extend(pieces);
            return;
        };
        let mut out = Vec::new();
        for piece in pieces {
            redaction.push(&piece, &mut out);
        }
        self.redaction = Some((redactor, redaction));
        self.add(out);
    }

    fn end_redaction(&mut self) {
        if let Some((redactor, redaction)) = self.redaction.take() {
            let mut out = Vec::new();
            let counts = redaction.finish(&mut out);
            self.recorded.redacted(&counts, &redactor);
            self.add(out);
        }
    }

    fn add(&mut self, piece: Vec<u8>) {
        if !piece.is_empty() {
            let piece = piece.into();
            self.recorded.note(&piece);
            self.ready.push_back(piece);
        }
    }

    /// All of it has come: what is left goes out once that is recorded.
    fn end(&mut self) -> Result<(), Broken> {
        let Some(editor) = self.editor.take() else {
            return Ok(());
        };
        match editor.finish() {
            Ok(seen) => {
                self.end_redaction();
                self.closed = Some(self.recorded.answered(&seen));
                Ok(())
            }
            Err(error) => Err(self.fail(&error.to_string())),
        }
    }

    /// The client sees a broken answer: there is nothing that would have to wait for the record.
    fn fail(&mut self, reason: &str) -> Broken {
        let _unwaited = self.recorded.failed(reason);
        self.editor = None;
        self.ready.clear();
        reason.into()
    }

    pub(in crate::gate) fn size_hint(&self) -> SizeHint {
        if self.keeps_length {
            self.body.size_hint()
        } else {
            SizeHint::default()
        }
    }
}
