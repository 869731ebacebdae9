//! What is queued for a peer: a chain of pieces, sent from the front.
//!
//! The one idea: small replies gather in one piece of up to [`PIECE_BYTES`], and a big one is a piece
//! of its own, so that nothing queued is ever copied again and memory goes back as the peer reads.
//! A piece may be lent to the kernel, which reads it while more is queued behind it.

use std::collections::VecDeque;
use std::mem;

/// Small replies gather in pieces of this many bytes.
pub(super) const PIECE_BYTES: usize = 64 << 10;

/// Empty pieces kept for the next connection that queues something.
const SPARE_MAX: usize = 64;

/// Empty pieces, shared by the connections of one loop.
#[derive(Default)]
pub(super) struct Spare {
    pieces: Vec<Vec<u8>>,
}

impl Spare {
    fn take(&mut self, bytes: usize) -> Vec<u8> {
        if bytes > PIECE_BYTES {
            Vec::with_capacity(bytes)
        } else {
            self.pieces.pop().unwrap_or_default()
        }
    }

    fn keep(&mut self, mut piece: Vec<u8>) {
        if piece.capacity() <= 2 * PIECE_BYTES && self.pieces.len() < SPARE_MAX {
            piece.clear();
            self.pieces.push(piece);
        }
    }
}

/// The bytes queued for one peer.
#[derive(Default)]
pub(super) struct Outbox {
    pieces: VecDeque<Vec<u8>>,
    /// Bytes of the front piece (the lent one, where one is lent) that are sent.
    sent: usize,
    /// Bytes queued and not sent, lent ones among them.
    queued: usize,
}

impl Outbox {
    pub(super) fn queued(&self) -> usize {
        self.queued
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queued == 0
    }

    pub(super) fn push(&mut self, bytes: &[u8], spare: &mut Spare) {
        if bytes.is_empty() {
            return;
        }
        self.queued += bytes.len();
        match self.pieces.back_mut() {
            Some(last) if last.len() + bytes.len() <= PIECE_BYTES => last.extend_from_slice(bytes),
            _ => {
                let mut piece = spare.take(bytes.len());
                piece.extend_from_slice(bytes);
                self.pieces.push_back(piece);
            }
        }
    }

    /// The bytes to send next. `None` when nothing is queued.
    pub(super) fn front(&self) -> Option<&[u8]> {
        self.pieces.front().map(|piece| &piece[self.sent..])
    }

    /// The first `bytes` of [`Outbox::front`] are sent.
    pub(super) fn advance(&mut self, bytes: usize, spare: &mut Spare) {
        if let Some(piece) = self.pieces.pop_front() {
            self.take_back(piece, bytes, spare);
        }
    }

    /// Gives the piece to send next away, and how many of its bytes are sent already.
    pub(super) fn lend(&mut self) -> Option<(Vec<u8>, usize)> {
        Some((self.pieces.pop_front()?, self.sent))
    }

    /// Takes a lent piece back, `bytes` more of which are sent.
    pub(super) fn take_back(&mut self, piece: Vec<u8>, bytes: usize, spare: &mut Spare) {
        self.sent += bytes;
        self.queued -= bytes;
        if self.sent == piece.len() {
            self.sent = 0;
            spare.keep(piece);
        } else {
            self.pieces.push_front(piece);
        }
    }

    /// Forgets all that is queued.
    pub(super) fn clear(&mut self, spare: &mut Spare) {
        self.sent = 0;
        self.queued = 0;
        for piece in mem::take(&mut self.pieces) {
            spare.keep(piece);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Outbox, PIECE_BYTES, Spare};

    #[test]
    fn a_big_reply_is_a_piece_of_its_own() {
        let (mut outbox, mut spare) = (Outbox::default(), Spare::default());
        outbox.push(b"small", &mut spare);
        outbox.push(&vec![1; 3 * PIECE_BYTES], &mut spare);
        outbox.push(b"after", &mut spare);
        assert_eq!(outbox.pieces.len(), 3);
        outbox.advance(5, &mut spare);
        assert_eq!(outbox.front().unwrap().len(), 3 * PIECE_BYTES);
        outbox.advance(3 * PIECE_BYTES, &mut spare);
        assert_eq!(outbox.front(), Some(&b"after"[..]));
        assert_eq!(spare.pieces.len(), 1, "big pieces are not kept");
        outbox.clear(&mut spare);
        assert!(outbox.is_empty() && outbox.front().is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// However pieces are sent or lent, the bytes come out in the order queued.
        #[test]
        fn bytes_keep_their_order(steps in prop::collection::vec((0usize..90_000, 0usize..90_000, any::<bool>()), 1..16)) {
            let (mut outbox, mut spare) = (Outbox::default(), Spare::default());
            let (mut put, mut taken) = (0u64, 0u64);
            let byte = |at: u64| (at % 251) as u8;
            for (push, send, lend) in steps {
                let bytes: Vec<u8> = (put..put + push as u64).map(byte).collect();
                put += push as u64;
                if lend {
                    // The kernel reads the piece while more is queued.
                    let lent = outbox.lend();
                    outbox.push(&bytes, &mut spare);
                    if let Some((piece, from)) = lent {
                        let n = send.min(piece.len() - from);
                        let next: Vec<u8> = (taken..taken + n as u64).map(byte).collect();
                        prop_assert!(piece[from..from + n] == next);
                        taken += n as u64;
                        outbox.take_back(piece, n, &mut spare);
                    }
                } else {
                    outbox.push(&bytes, &mut spare);
                    if let Some(front) = outbox.front() {
                        let n = send.min(front.len());
                        let next: Vec<u8> = (taken..taken + n as u64).map(byte).collect();
                        prop_assert!(front[..n] == next);
                        taken += n as u64;
                        outbox.advance(n, &mut spare);
                    }
                }
                prop_assert_eq!(outbox.queued() as u64, put - taken);
                prop_assert_eq!(outbox.is_empty(), outbox.front().is_none());
            }
        }
    }
}
