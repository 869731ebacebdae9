//! The order of replies: answers come as they like, replies go out as the commands came.
//!
//! A command whose answer is not there yet has a place in the queue; what is answered behind it waits.
//! The answer to the first place goes straight to the output, so that what comes in order is never
//! kept.

use std::collections::VecDeque;

/// The number of a place: counted on for every connection, coming round after 2³².
pub type Place = u32;

/// Places of one connection.
#[derive(Debug, Default)]
pub struct Order {
    /// The number of the first place.
    first: Place,
    places: VecDeque<Waiting>,
}

/// What stands in a place.
#[derive(Debug, Default)]
struct Waiting {
    /// The answer, where it came before that of an earlier place.
    answer: Option<Vec<u8>>,
    /// Whether the client gets none (`CLIENT REPLY`).
    muted: bool,
}

impl Order {
    /// Whether every command was answered.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// How many places there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// The place that is taken next.
    pub fn next(&self) -> Place {
        self.first.wrapping_add(self.places.len() as u32)
    }

    /// The place that was taken last.
    pub fn last(&self) -> Option<Place> {
        (!self.is_empty()).then(|| self.next().wrapping_sub(1))
    }

    /// Takes the next place.
    pub fn take(&mut self, muted: bool) -> Place {
        let place = self.next();
        self.places.push_back(Waiting {
            answer: None,
            muted,
        });
        place
    }

    /// A reply that is known at once: to the output, or behind what still waits.
    pub fn reply(&mut self, bytes: &[u8], muted: bool, output: &mut Vec<u8>) {
        if muted {
            return;
        }
        match self.places.back_mut() {
            None => output.extend_from_slice(bytes),
            // What was answered already carries the bytes of those that follow it.
            Some(Waiting {
                answer: Some(answer),
                muted: false,
            }) => answer.extend_from_slice(bytes),
            Some(_) => self.places.push_back(Waiting {
                answer: Some(bytes.to_vec()),
                muted: false,
            }),
        }
    }

    /// The answer to `place`. A place that is not there was answered before.
    pub fn answer(&mut self, place: Place, bytes: &[u8], output: &mut Vec<u8>) {
        let at = place.wrapping_sub(self.first) as usize;
        if at > 0 {
            if let Some(waiting) = self.places.get_mut(at) {
                let kept = if waiting.muted {
                    Vec::new()
                } else {
                    bytes.to_vec()
                };
                waiting.answer.get_or_insert(kept);
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
            output.extend_from_slice(&next.answer.unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_comes_in_order_is_not_kept() {
        let (mut order, mut output) = (Order::default(), Vec::new());
        order.reply(b"a", false, &mut output);
        assert_eq!(output, b"a");
        let place = order.take(false);
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
            let mut order = Order { first: start, ..Order::default() };
            let (mut output, mut waiting, mut expected) = (Vec::new(), Vec::new(), Vec::new());
            let mut picks = picks.into_iter();
            for (number, (later, muted)) in commands.into_iter().enumerate() {
                let reply = format!("{number};").into_bytes();
                if !muted {
                    expected.extend_from_slice(&reply);
                }
                if later {
                    waiting.push((order.take(muted), reply));
                } else {
                    order.reply(&reply, muted, &mut output);
                }
                // Now and then one that waits is answered.
                if let Some(pick) = picks.next() && !waiting.is_empty() && number % 2 == 0 {
                    let (place, reply) = waiting.swap_remove(pick.index(waiting.len()));
                    order.answer(place, &reply, &mut output);
                }
                prop_assert!(expected.starts_with(&output));
            }
            while !waiting.is_empty() {
                prop_assert!(!order.is_empty());
                let pick = picks.next().unwrap();
                let (place, reply) = waiting.swap_remove(pick.index(waiting.len()));
                order.answer(place, &reply, &mut output);
                prop_assert!(expected.starts_with(&output));
            }
            prop_assert!(order.is_empty());
            prop_assert_eq!(output, expected);
        }
    }
}
