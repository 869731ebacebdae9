//! Withheld replies: in the output already, and to be sent only when a turn of the store is settled.
//!
//! The one idea: what a client wrote may be answered where it is read before the log has it, as long as nothing of
//! the output leaves. Where the log of a shard fails, errors take the places of the replies that tell of that shard.

use std::ops::Range;

use seawall_store::Worker;
use seawall_store::command::CommandError;
use seawall_store::reply::ReplyBuf;
use seawall_store::store::Settled;
use smallvec::SmallVec;

/// What of an output is withheld.
#[derive(Default)]
pub(super) struct Withheld {
    /// The turn that has to be settled; 0: nothing is withheld.
    until: u64,
    /// Where the replies stand; ascending.
    spans: SmallVec<[Span; 1]>,
}

/// Replies that follow each other and tell of one shard.
#[derive(Debug, PartialEq, Eq)]
struct Span {
    place: Range<usize>,
    replies: usize,
    shard: usize,
}

impl Withheld {
    /// The replies that stand in `output` from `from` on, a line each, are withheld until turn `until`, which is to come:
    /// of these `shards`, one after the other.
    pub(super) fn add(
        &mut self,
        until: u64,
        (output, from): (&[u8], usize),
        shards: impl Iterator<Item = usize>,
    ) {
        self.until = until;
        let lines = output[from..].split_inclusive(|byte| *byte == b'\n');
        let mut begin = from;
        for (line, shard) in lines.zip(shards) {
            let place = begin..begin + line.len();
            begin = place.end;
            match self.spans.last_mut() {
                Some(last) if last.place.end == place.start && last.shard == shard => {
                    last.place.end = place.end;
                    last.replies += 1;
                }
                _ => self.spans.push(Span {
                    place,
                    replies: 1,
                    shard,
                }),
            }
        }
    }

    /// Whether anything is withheld.
    #[inline]
    pub(super) fn is_any(&self) -> bool {
        self.until != 0
    }

    /// Whether more may be answered where it is read: nothing is withheld, or it is until the same turn.
    #[inline]
    pub(super) fn may_grow(&self, store: &Worker) -> bool {
        self.until == 0 || self.until > store.turns()
    }

    /// Whether nothing of `output` is withheld any more; what must never be said is replaced there.
    #[inline]
    pub(super) fn is_over(&mut self, store: &Worker, output: &mut Vec<u8>) -> bool {
        let until = self.until;
        until == 0 || self.end(|shard| store.settled(until, shard), output)
    }

    fn end(&mut self, settled: impl Fn(usize) -> Settled, output: &mut Vec<u8>) -> bool {
        let each = self.spans.iter().map(|span| settled(span.shard));
        let each: SmallVec<[Settled; 1]> = each.collect();
        if each.contains(&Settled::NotYet) {
            return false;
        }
        for (span, settled) in self.spans.iter().zip(each).rev() {
            if let Settled::Lost(why) = settled {
                span.replace(&why, output);
            }
        }
        self.forget();
        true
    }

    /// The output is gone.
    pub(super) fn forget(&mut self) {
        self.until = 0;
        self.spans.clear();
    }
}

impl Span {
    fn replace(&self, why: &CommandError, output: &mut Vec<u8>) {
        let mut error = ReplyBuf::default();
        error.error(why);
        output.splice(self.place.clone(), error.as_bytes().repeat(self.replies));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two runs of brief calls with a `GET` between them: of shard 4, of 4 and 6, and of 6.
    fn withheld() -> (Withheld, Vec<u8>) {
        let mut withheld = Withheld::default();
        let mut output = b"$1\r\n0\r\n+OK\r\n:1\r\n:2\r\n".to_vec();
        withheld.add(3, (&output, 7), [4, 4, 6].into_iter());
        output.extend_from_slice(b"$1\r\n7\r\n");
        let from = output.len();
        output.extend_from_slice(b":3\r\n");
        withheld.add(3, (&output, from), [6].into_iter());
        (withheld, output)
    }

    #[test]
    fn errors_take_the_places_of_what_must_never_be_said() {
        let (mut withheld, mut output) = withheld();
        assert_eq!(withheld.spans.len(), 3, "what follows each other is one");
        let settled = |shard| match shard {
            6 => Settled::Lost(CommandError::fixed("MISCONF gone")),
            _ => Settled::Yes,
        };
        assert!(withheld.end(settled, &mut output));
        assert_eq!(
            output.escape_ascii().to_string(),
            b"$1\r\n0\r\n+OK\r\n:1\r\n-MISCONF gone\r\n$1\r\n7\r\n-MISCONF gone\r\n"
                .escape_ascii()
                .to_string()
        );
        assert!(!withheld.is_any());
    }

    #[test]
    fn nothing_leaves_before_all_of_it_is_settled() {
        let (mut withheld, mut output) = withheld();
        let before = output.clone();
        let settled = |shard| match shard {
            6 => Settled::NotYet,
            _ => Settled::Lost(CommandError::fixed("MISCONF gone")),
        };
        assert!(!withheld.end(settled, &mut output));
        assert_eq!(output, before);
        assert!(withheld.is_any());
    }
}
