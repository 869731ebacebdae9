//! Keys in the order of their positions: as a snapshot has them.
//!
//! A key's position is its hash's bits read backwards, as the index walks. What is written in that order can
//! be found again by whoever hashes as this shard does: by its seed, and by the places of its databases.

use super::{Entry, Keyspace};
use crate::index::position;
use crate::snapshot::{Meta, Places, Sink, Writer};

impl Keyspace {
    /// Adds what this shard knows of itself to `meta`: how many cells there are, and the places of databases.
    pub fn describe(&self, meta: &mut Meta) {
        meta.cell_bits = self.index.buckets().ilog2() as u8;
        meta.places = Places::from_fn(|number| self.databases.place(number));
    }

    /// Writes every key that has not expired, cell by cell.
    pub fn write_to<S: Sink>(&self, writer: &mut Writer<S>) {
        let mut cursor = 0;
        loop {
            writer.walked(position(cursor));
            cursor = self.index.walk(cursor, |id| {
                let item = self.arena.own(id);
                let expires = item.expires();
                if expires.is_none_or(|at| self.now <= at) {
                    writer.push(&Entry {
                        database: self.databases.number(item.database()),
                        key: item.key(),
                        value: self.value(id),
                        expires,
                        tag: item.tag(),
                    });
                }
            });
            if cursor == 0 {
                return;
            }
        }
    }
}
