//! When objects expire: a calendar of seconds.

use std::collections::BTreeMap;

use seawall_store::Millis;
use seawall_store::evict::EntryId;

/// Never.
const NEVER: u64 = u64::MAX;

/// What expires when.
pub struct Expiry {
    /// When each object expires, in milliseconds.
    at: Vec<u64>,
    /// Objects by the second in which they may; those whose expiry has changed meanwhile are there too.
    seconds: BTreeMap<u64, Vec<EntryId>>,
}

impl Expiry {
    /// None of `objects` expires.
    pub fn new(objects: u32) -> Expiry {
        Expiry {
            at: vec![NEVER; objects as usize],
            seconds: BTreeMap::new(),
        }
    }

    /// `object` expires then, or never. What was said before holds no more.
    pub fn set(&mut self, object: EntryId, at: Option<Millis>) {
        self.at[object as usize] = at.map_or(NEVER, |at| at.0);
        if let Some(at) = at {
            self.seconds.entry(at.0 / 1000).or_default().push(object);
        }
    }

    /// An object that has expired by now; it does so no more.
    pub fn due(&mut self, now: Millis) -> Option<EntryId> {
        loop {
            let mut first = self.seconds.first_entry()?;
            let second = *first.key();
            if second * 1000 > now.0 {
                return None;
            }
            let objects = first.get_mut();
            let due = objects
                .iter()
                .rposition(|&object| self.at[object as usize] <= now.0);
            if let Some(due) = due {
                let object = objects.swap_remove(due);
                self.at[object as usize] = NEVER;
                return Some(object);
            }
            if second * 1000 + 999 > now.0 {
                return None;
            }
            // Those left have another expiry meanwhile, and stand elsewhere.
            first.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_due_comes_once_and_by_its_last_word() {
        let mut expiry = Expiry::new(4);
        expiry.set(0, Some(Millis(1_500)));
        expiry.set(1, Some(Millis(1_200)));
        expiry.set(2, Some(Millis(9_000)));
        expiry.set(3, Some(Millis(1_000)));
        expiry.set(3, None);
        assert_eq!(expiry.due(Millis(1_100)), None);
        assert_eq!(expiry.due(Millis(1_300)), Some(1));
        expiry.set(0, Some(Millis(9_500)));
        assert_eq!(expiry.due(Millis(5_000)), None);
        let mut due: Vec<u32> = std::iter::from_fn(|| expiry.due(Millis(10_000))).collect();
        due.sort_unstable();
        assert_eq!(due, [0, 2]);
    }
}
