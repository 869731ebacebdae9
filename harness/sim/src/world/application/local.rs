//! What an application's server keeps of rows in its own memory, for a while that is the same for all: it needs no
//! question to the cache, and knows of no write of another server's.

use std::collections::{BTreeMap, VecDeque};

use seawall_cluster::Nanos;

/// How many rows a server keeps: the hot ones find room in little.
const ROWS_MAX: usize = 1000;

/// One server's.
#[derive(Clone, Debug, Default)]
pub(super) struct Local {
    rows: BTreeMap<u64, Kept>,
    /// Since all are kept equally long, those that came first go first.
    order: VecDeque<(u64, Nanos)>,
}

#[derive(Clone, Copy, Debug)]
struct Kept {
    version: u32,
    until: Nanos,
}

impl Local {
    /// The version of a row that is kept.
    pub(super) fn get(&self, now: Nanos, row: u64) -> Option<u32> {
        let kept = self.rows.get(&row)?;
        (kept.until > now).then_some(kept.version)
    }

    /// Keeps a row until then.
    pub(super) fn keep(&mut self, row: u64, version: u32, until: Nanos) {
        self.rows.insert(row, Kept { version, until });
        self.order.push_back((row, until));
        while self.order.len() > ROWS_MAX {
            let Some((oldest, until)) = self.order.pop_front() else {
                return;
            };
            if self
                .rows
                .get(&oldest)
                .is_some_and(|kept| kept.until == until)
            {
                self.rows.remove(&oldest);
            }
        }
    }

    /// The server wrote the row itself.
    pub(super) fn forget(&mut self, row: u64) {
        self.rows.remove(&row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_kept_for_a_while_and_not_too_many_of_them() {
        let mut local = Local::default();
        local.keep(7, 1, Nanos(100));
        assert_eq!(local.get(Nanos(99), 7), Some(1));
        assert_eq!(local.get(Nanos(100), 7), None);
        local.keep(7, 2, Nanos(300));
        for row in 0..ROWS_MAX as u64 {
            local.keep(1000 + row, 1, Nanos(400));
        }
        assert_eq!(local.get(Nanos(200), 7), None, "it was the oldest");
        assert_eq!(local.get(Nanos(200), 1000), Some(1));
        local.forget(1000);
        assert_eq!(local.get(Nanos(200), 1000), None);
    }
}
