//! `CLIENT PAUSE`: for a while clients wait, all of them or those that write.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use seawall_store::Millis;
use seawall_store::command::Flag;

use crate::command::Entry;

/// Whether clients wait.
#[derive(Debug, Default)]
pub struct Pause {
    /// Until when, in milliseconds; 0: nobody waits.
    until_ms: AtomicU64,
    /// Whether all wait, or those that write.
    all: AtomicBool,
}

impl Pause {
    /// Lets clients wait until then. Of two pauses the later end counts, and the stricter.
    pub fn begin(&self, until: Millis, all: bool, now: Millis) {
        let going_on = self.until_ms.load(Ordering::Relaxed) > now.0;
        let was_all = going_on && self.all.load(Ordering::Relaxed);
        self.all.store(all || was_all, Ordering::Relaxed);
        // Release: pairs with the acquire in `until`, which then sees whom it concerns.
        self.until_ms.fetch_max(until.0, Ordering::Release);
    }

    /// Lets everyone go on: the pause ends now.
    pub fn end(&self, now: Millis) {
        self.until_ms.fetch_min(now.0, Ordering::Release);
    }

    /// Until when a call of `entry` waits, if it does. `EXEC` `writes` where something that it runs does.
    pub fn until(&self, entry: &Entry, writes: bool, now: Millis) -> Option<Millis> {
        // Acquire: pairs with the release in `begin`.
        let until = self.until_ms.load(Ordering::Acquire);
        if until <= now.0 {
            return None;
        }
        let concerned = self.all.load(Ordering::Relaxed) || writes || changes(entry);
        // Who ends the pause must be able to.
        let ends = matches!(entry.name(), "client|unpause" | "client|pause");
        (concerned && !ends).then_some(Millis(until))
    }

    /// Whether anyone may be waiting.
    pub fn is_on(&self, now: Millis) -> bool {
        self.until_ms.load(Ordering::Relaxed) > now.0
    }
}

/// Whether a call of `entry` may change a key, or tell replicas something.
pub fn changes(entry: &Entry) -> bool {
    entry.flags().writes()
        || entry.flags().has(Flag::MayReplicate)
        || matches!(entry.name(), "publish" | "spublish" | "pfcount")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::find;

    #[test]
    fn whom_a_pause_concerns() {
        let pause = Pause::default();
        let (get, set) = (find(b"get").unwrap(), find(b"set").unwrap());
        let now = Millis(1000);
        assert_eq!(pause.until(set, false, now), None);
        pause.begin(Millis(1500), false, now);
        assert_eq!(pause.until(get, false, now), None);
        assert_eq!(pause.until(set, false, now), Some(Millis(1500)));
        pause.begin(Millis(1200), true, now);
        assert_eq!(pause.until(get, false, now), Some(Millis(1500)));
        assert_eq!(pause.until(get, false, Millis(1500)), None);
        pause.begin(Millis(2000), false, Millis(1600));
        assert_eq!(pause.until(get, false, Millis(1700)), None);
        assert_eq!(
            pause.until(get, true, Millis(1700)),
            Some(Millis(2000)),
            "what runs in it writes"
        );
        pause.end(Millis(1700));
        assert_eq!(pause.until(set, false, Millis(1700)), None);
    }
}
