//! The order of replies: answers come as they like, replies go out as the commands came.
//!
//! A command whose answer is not there yet has a place in the queue; what is answered behind it waits.
//! The answer to the first place goes straight to the output, so that what comes in order is never
//! kept.
//!
//! A place also holds what is to be known of its command until it is answered: since when it runs, how
//! many bytes it has, and whether it writes.

use std::collections::VecDeque;

use smallvec::SmallVec;

use crate::calls::Begun;

/// The number of a place: counted on for every connection, coming round after 2³².
pub type Place = u32;

/// Places of one connection.
#[derive(Debug, Default)]
pub struct ReplyQueue {
    /// The number of the first place.
    first: Place,
    places: VecDeque<Waiting>,
    /// Of the commands that are not answered.
    bytes: usize,
    /// How many of them write.
    writes: usize,
    /// Of answers that wait for earlier ones.
    kept_bytes: usize,
}

/// What is known of a command until it is answered.
#[derive(Debug, Default)]
pub struct Asked {
    /// The call, where it is counted by its answer.
    pub begun: Option<Begun>,
    /// Bytes of its arguments.
    pub bytes: usize,
    /// Whether it writes, and others may not have seen yet what.
    pub writes: bool,
}

/// What stands in a place.
#[derive(Debug, Default)]
struct Waiting {
    /// The answer, where it came before that of an earlier place.
    answer: Option<SmallVec<[u8; 24]>>,
    /// Whether the client gets none (`CLIENT REPLY`).
    muted: bool,
    asked: Option<Asked>,
}

impl ReplyQueue {
    /// Whether every command was answered.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// How many places there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Bytes of the commands that are not answered.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many commands that write are not answered.
    pub fn writes(&self) -> usize {
        self.writes
    }

    /// Bytes of answers that wait for earlier ones.
    pub fn kept_bytes(&self) -> usize {
        self.kept_bytes
    }

    fn next(&self) -> Place {
        self.first.wrapping_add(self.places.len() as u32)
    }

    /// The place that was taken last.
    pub fn last(&self) -> Option<Place> {
        (!self.is_empty()).then(|| self.next().wrapping_sub(1))
    }

    /// Takes the next place, for a command of which this is known.
    pub fn take(&mut self, muted: bool, asked: Asked) -> Place {
        let place = self.next();
        self.bytes += asked.bytes;
        self.writes += usize::from(asked.writes);
        self.places.push_back(Waiting {
            answer: None,
            muted,
            asked: Some(asked),
        });
        place
    }

    /// The command in `place` waits for a key: that is not its time, and whatever it writes, it has not
    /// begun to.
    pub fn park(&mut self, place: Place) {
        self.seen(place);
        let at = place.wrapping_sub(self.first) as usize;
        if let Some(Waiting {
            asked: Some(asked), ..
        }) = self.places.get_mut(at)
        {
            asked.begun.iter_mut().for_each(Begun::park);
        }
    }

    /// Others see what the command in `place` has written, if it has, though it is not answered.
    pub fn seen(&mut self, place: Place) {
        let at = place.wrapping_sub(self.first) as usize;
        if let Some(Waiting {
            asked: Some(asked), ..
        }) = self.places.get_mut(at)
        {
            self.writes -= usize::from(std::mem::take(&mut asked.writes));
        }
    }

    /// The command in `place` has done what it does; its call, where it is to be counted. To be said
    /// before its answer is given.
    pub fn settle(&mut self, place: Place) -> Option<Begun> {
        let at = place.wrapping_sub(self.first) as usize;
        let asked = self.places.get_mut(at)?.asked.take()?;
        self.bytes -= asked.bytes;
        self.writes -= usize::from(asked.writes);
        asked.begun
    }

    /// A reply that is known at once: to the output, or behind what still waits.
    pub fn reply(&mut self, bytes: &[u8], muted: bool, output: &mut Vec<u8>) {
        if muted {
            return;
        }
        match self.places.back_mut() {
            None => return output.extend_from_slice(bytes),
            // What was answered already carries the bytes of those that follow it.
            Some(Waiting {
                answer: Some(answer),
                muted: false,
                ..
            }) => answer.extend_from_slice(bytes),
            Some(_) => self.places.push_back(Waiting {
                answer: Some(SmallVec::from_slice(bytes)),
                muted: false,
                asked: None,
            }),
        }
        self.kept_bytes += bytes.len();
    }

    /// The answer to `place`. A place that is not there was answered before.
    pub fn answer(&mut self, place: Place, bytes: &[u8], output: &mut Vec<u8>) {
        self.settle(place);
        let at = place.wrapping_sub(self.first) as usize;
        if at > 0 {
            if let Some(waiting) = self.places.get_mut(at)
                && waiting.answer.is_none()
            {
                let kept = if waiting.muted { &[] } else { bytes };
                self.kept_bytes += kept.len();
                waiting.answer = Some(SmallVec::from_slice(kept));
            }
            return;
        }
        let Some(first) = self.places.pop_front_if(|first| first.answer.is_none()) else {
            return;
        };
        self.first = self.first.wrapping_add(1);
        if !first.muted {
            output.extend_from_slice(bytes);
        }
        while let Some(next) = self.places.pop_front_if(|next| next.answer.is_some()) {
            self.first = self.first.wrapping_add(1);
            let kept = next.answer.unwrap_or_default();
            self.kept_bytes -= kept.len();
            output.extend_from_slice(&kept);
        }
    }

    /// Whatever is answered from now on is not counted as a call.
    pub fn forget_calls(&mut self) {
        for asked in self
            .places
            .iter_mut()
            .filter_map(|place| place.asked.as_mut())
        {
            asked.begun = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_comes_in_order_is_not_kept() {
        let (mut order, mut output) = (ReplyQueue::default(), Vec::new());
        order.reply(b"a", false, &mut output);
        assert_eq!(output, b"a");
        let place = order.take(false, Asked::default());
        order.reply(b"c", false, &mut output);
        assert_eq!(output, b"a");
        order.answer(place, b"b", &mut output);
        assert_eq!(
            (output.as_slice(), order.is_empty()),
            (b"abc".as_slice(), true)
        );
        order.answer(place, b"again", &mut output);
        assert_eq!(output, b"abc");
    }

    /// A command: whether its answer comes later, and whether it is muted.
    fn commands() -> impl Strategy<Value = Vec<(bool, bool)>> {
        prop::collection::vec((any::<bool>(), any::<bool>()), 0..20)
    }

    proptest! {
        #[test]
        fn replies_go_out_as_the_commands_came(
            commands in commands(),
            picks in prop::collection::vec(any::<prop::sample::Index>(), 40),
            start in any::<u32>(),
        ) {
            let mut order = ReplyQueue { first: start, ..ReplyQueue::default() };
            let (mut output, mut waiting, mut expected) = (Vec::new(), Vec::new(), Vec::new());
            let mut picks = picks.into_iter();
            for (number, (later, muted)) in commands.into_iter().enumerate() {
                let reply = format!("{number};").into_bytes();
                if !muted {
                    expected.extend_from_slice(&reply);
                }
                if later {
                    let asked = Asked {
                        bytes: number,
                        writes: number % 3 == 0,
                        ..Asked::default()
                    };
                    waiting.push((order.take(muted, asked), reply, number));
                } else {
                    order.reply(&reply, muted, &mut output);
                }
                // Now and then one that waits is answered.
                if let Some(pick) = picks.next() && !waiting.is_empty() && number % 2 == 0 {
                    let (place, reply, _) = waiting.swap_remove(pick.index(waiting.len()));
                    order.answer(place, &reply, &mut output);
                }
                let numbers = || waiting.iter().map(|(.., number)| *number);
                prop_assert_eq!(order.bytes(), numbers().sum::<usize>());
                prop_assert_eq!(order.writes(), numbers().filter(|number| number % 3 == 0).count());
                prop_assert!(expected.starts_with(&output));
            }
            while !waiting.is_empty() {
                prop_assert!(!order.is_empty());
                let pick = picks.next().unwrap();
                let (place, reply, _) = waiting.swap_remove(pick.index(waiting.len()));
                order.answer(place, &reply, &mut output);
                prop_assert!(expected.starts_with(&output));
                let told = output.len() + order.kept_bytes();
                prop_assert!(told <= expected.len());
            }
            prop_assert!(order.is_empty());
            prop_assert_eq!((order.bytes(), order.writes(), order.kept_bytes()), (0, 0, 0));
            prop_assert_eq!(output, expected);
        }
    }
}
