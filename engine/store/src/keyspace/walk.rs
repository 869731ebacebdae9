//! Keys in no order: a part of them, all, or one at random.

use rand::Rng;

use super::Keyspace;
use crate::mem::ItemId;

/// Slots of a bucket that are drawn from: longer chains are all but impossible.
const SLOTS_DRAWN: u32 = 64;
/// Draws before a key is searched for instead: the database may have few of the shard's keys.
const DRAWS: usize = 1 << 12;

impl Keyspace {
    /// Shows keys of the database from `cursor` on: about `count` of them, expired ones not among them;
    /// gives the cursor to go on with, 0 at the end. A key that is there from the first call to the last
    /// is shown at least once.
    ///
    /// The work is bounded where the database has few of the shard's keys: a call may show none.
    pub fn scan(
        &mut self,
        mut cursor: u64,
        count: u64,
        mut each: impl FnMut(&mut Keyspace, &[u8]),
    ) -> u64 {
        let (mut found, mut visited) = (Vec::new(), 0);
        let bound = count.saturating_mul(10);
        loop {
            cursor = self.index.walk(cursor, |id| {
                visited += 1;
                if self.arena.own(id).database() == self.place {
                    found.push(id);
                }
            });
            // An empty bucket is work as well.
            visited += 1;
            if cursor == 0 || found.len() as u64 >= count || visited >= bound {
                break;
            }
        }
        for id in found {
            let key = self.arena.own(id).key().to_vec();
            if self.locate(&key).is_some() {
                each(self, &key);
            }
        }
        cursor
    }

    /// Shows every key of the database that has not expired.
    pub fn keys(&self, mut each: impl FnMut(&[u8])) {
        self.index.for_each(|id| {
            let item = self.arena.own(id);
            if item.database() == self.place && item.expires().is_none_or(|at| self.now <= at) {
                each(item.key());
            }
        });
    }

    /// A key of the database, each as likely as any other where most of the shard's keys are its own.
    pub fn random_key(&mut self) -> Option<Vec<u8>> {
        while self.database_len() > 0 {
            let id = self.draw()?;
            let key = self.arena.own(id).key().to_vec();
            if self.locate(&key).is_some() {
                return Some(key);
            }
        }
        None
    }

    fn draw(&mut self) -> Option<ItemId> {
        let is_here = |keyspace: &Keyspace, id| keyspace.arena.own(id).database() == keyspace.place;
        for _ in 0..DRAWS {
            let (bucket, slot) = (self.random.next_u64(), self.random.next_u32() % SLOTS_DRAWN);
            let drawn = self.index.draw(bucket, slot as usize);
            if let Some(id) = drawn.filter(|&id| is_here(self, id)) {
                return Some(id);
            }
        }
        let start = self.random.next_u64();
        let (mut cursor, mut found) = (start, None);
        // From anywhere to the end, and then from the beginning.
        for _ in 0..2 {
            loop {
                cursor = self.index.walk(cursor, |id| {
                    if found.is_none() && is_here(self, id) {
                        found = Some(id);
                    }
                });
                if found.is_some() {
                    return found;
                }
                if cursor == 0 {
                    break;
                }
            }
        }
        None
    }
}
