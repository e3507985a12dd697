//! The one place where a request body becomes something that may be sent to a server.
//!
//! In come the pieces of a body, out comes [`Redacted`], which only a [`Redactor`] can make and without which
//! `upstream` sends nothing. Detectors are not built yet: the only redactor there is passes everything through, and
//! `serve` refuses a configuration that asks for redaction before it would be needed here.

use bytes::Bytes;

/// What the `[pii.*]` table of an endpoint and server means for bodies on their way to the server.
#[derive(Clone, Debug)]
pub struct Redactor(());

/// The body of a request that a redactor has seen, in pieces that follow one another.
#[derive(Clone, Debug)]
pub struct Redacted {
    pieces: Vec<Bytes>,
}

impl Redactor {
    /// For endpoints and servers without a `pii` table: every byte passes unchanged.
    pub fn none() -> Self {
        Self(())
    }

    /// Takes the body in pieces, so that what was spliced need not be copied together.
    pub fn redact(&self, pieces: Vec<Bytes>) -> Redacted {
        let Self(()) = self;
        Redacted { pieces }
    }
}

impl Redacted {
    pub fn pieces(&self) -> &[Bytes] {
        &self.pieces
    }

    pub fn into_pieces(self) -> Vec<Bytes> {
        self.pieces
    }

    /// In bytes, of all pieces.
    pub fn len(&self) -> usize {
        self.pieces.iter().map(Bytes::len).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_table_every_byte_passes_unchanged() {
        let pieces = vec![
            Bytes::from_static(b"{\"a\":"),
            Bytes::from_static(b"\"b@example.com\"}"),
        ];
        let redacted = Redactor::none().redact(pieces.clone());
        assert_eq!(redacted.pieces(), pieces);
        assert_eq!(redacted.len(), 21);
    }
}
