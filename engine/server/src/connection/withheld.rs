//! Withheld replies: in the output already, and to be sent only when a turn of the store is settled.
//!
//! The one idea: what a client wrote may be answered where it is read before the log has it, as long as nothing of
//! the output leaves. Where the log fails, errors take the replies' places.

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
    /// Where the replies stand, and how many; ascending.
    spans: SmallVec<[(Range<usize>, usize); 1]>,
}

impl Withheld {
    /// So many replies at `place` of the output are withheld until turn `until`, which is to come.
    pub(super) fn add(&mut self, until: u64, place: Range<usize>, replies: usize) {
        self.until = until;
        match self.spans.last_mut() {
            Some((last, count)) if last.end == place.start => {
                last.end = place.end;
                *count += replies;
            }
            _ => self.spans.push((place, replies)),
        }
    }

    /// Whether more may be answered where it is read: nothing is withheld, or it is until the same turn.
    #[inline]
    pub(super) fn may_grow(&self, store: &Worker) -> bool {
        self.until == 0 || self.until > store.turns()
    }

    /// Whether nothing of `output` is withheld any more; what must never be said is replaced there.
    #[inline]
    pub(super) fn is_over(&mut self, store: &Worker, output: &mut Vec<u8>) -> bool {
        self.until == 0 || self.is_settled(store, output)
    }

    fn is_settled(&mut self, store: &Worker, output: &mut Vec<u8>) -> bool {
        match store.settled(self.until) {
            Settled::NotYet => return false,
            Settled::Yes => {}
            Settled::Lost(why) => self.replace(&why, output),
        }
        self.forget();
        true
    }

    /// The output is gone.
    pub(super) fn forget(&mut self) {
        self.until = 0;
        self.spans.clear();
    }

    fn replace(&self, why: &CommandError, output: &mut Vec<u8>) {
        let mut error = ReplyBuf::default();
        error.error(why);
        for (place, replies) in self.spans.iter().rev() {
            output.splice(place.clone(), error.as_bytes().repeat(*replies));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_take_the_places_of_what_must_never_be_said() {
        let mut withheld = Withheld::default();
        let mut output = b"$1\r\n0\r\n+OK\r\n:1\r\n$1\r\n7\r\n:2\r\n".to_vec();
        withheld.add(3, 7..12, 1);
        withheld.add(3, 12..16, 1);
        withheld.add(3, 23..27, 1);
        assert_eq!(withheld.spans.len(), 2, "what follows each other is one");
        withheld.replace(&CommandError::fixed("MISCONF gone"), &mut output);
        assert_eq!(
            output.as_slice(),
            b"$1\r\n0\r\n-MISCONF gone\r\n-MISCONF gone\r\n$1\r\n7\r\n-MISCONF gone\r\n"
        );
    }
}
