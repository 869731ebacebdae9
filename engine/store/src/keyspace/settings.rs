//! Settings that change while the shard runs: the bound on memory, the policy behind it, and how far
//! compact forms go.
//!
//! A new policy knows no item at first. They are shown to it in slices, by a walk of the index that the
//! index's growth does not disturb; what is written meanwhile it learns at once. Where it has nothing to
//! evict yet, the walk goes on until it has.

use super::Keyspace;
use crate::evict::PolicySpec;
use crate::mem::{Arena, ItemId};
use crate::shard::ShardConfig;
use crate::value::Limits;

/// Buckets that one slice of a walk looks at: some tens of microseconds.
const SLICE_BUCKETS: usize = 256;

/// The settings of eviction, and how far the policy has come to know the items.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    config: ShardConfig,
    /// Where the walk goes on; `None`: the policy knows every item.
    walk: Option<u64>,
}

impl Settings {
    pub(super) fn new(config: &ShardConfig) -> Settings {
        Settings {
            config: config.clone(),
            walk: None,
        }
    }
}

impl Keyspace {
    /// The most bytes that keys and values may take from now on; 0: no bound. What is above goes when
    /// the next write needs room.
    pub(crate) fn set_maxmemory(&mut self, bytes: u64) {
        self.settings.config.maxmemory = bytes;
        self.maxmemory = bytes;
        self.leaving.set_maxmemory(bytes);
        self.begin_policy();
    }

    /// Who goes from now on.
    pub(crate) fn set_policy(&mut self, policy: PolicySpec) {
        self.settings.config.policy = policy;
        self.begin_policy();
    }

    /// How many items a sampling policy looks at from now on.
    pub(crate) fn set_samples(&mut self, samples: u32) {
        self.settings.config.samples = samples;
        self.begin_policy();
    }

    /// How far the compact forms of values go.
    #[inline]
    pub fn limits(&self) -> Limits {
        self.settings.config.limits
    }

    /// How far compact forms go from now on.
    pub(crate) fn set_limits(&mut self, limits: Limits) {
        self.settings.config.limits = limits;
    }

    fn begin_policy(&mut self) {
        let config = &self.settings.config;
        self.eviction.configure(config, &self.arena);
        self.settings.walk = Some(0);
    }

    /// Shows some more items to a policy that does not know all; whether there are more.
    pub(crate) fn walk_policy(&mut self) -> bool {
        let Some(mut cursor) = self.settings.walk else {
            return false;
        };
        let mut found: Vec<ItemId> = Vec::new();
        for _ in 0..SLICE_BUCKETS {
            cursor = self.index.walk(cursor, |id| found.push(id));
            if cursor == 0 {
                break;
            }
        }
        for id in found {
            let item = self.arena.own(id);
            if self.eviction.misses(item.entry(), id) {
                // An item from before there was a policy has no room for an entry. Where there is no room
                // for a new item either, nobody evicts it.
                let Some(id) = self.with_entry(id) else {
                    continue;
                };
                let item = self.arena.own(id);
                let size = Arena::block_bytes(item.bytes());
                let identity = self.item_hash(id);
                self.eviction.insert(item, id, identity, size, self.now);
            }
        }
        self.settings.walk = (cursor != 0).then_some(cursor);
        cursor != 0
    }

    /// The item, made anew where it has no room for an entry.
    fn with_entry(&mut self, id: ItemId) -> Option<ItemId> {
        let item = self.arena.own(id);
        if item.entry().is_some() {
            return Some(id);
        }
        let (expires, tag) = (item.expires(), item.tag());
        let hash = self.item_hash(id);
        let (place, _) = self.index.find(hash, |other| other == id)?;
        self.remake(place, id, expires, tag)
    }

    /// Whether the policy does not know every item yet.
    pub(super) fn is_walking(&self) -> bool {
        self.settings.walk.is_some()
    }

    /// Who goes, where a policy knows or comes to know somebody.
    pub(super) fn victim(&mut self) -> Option<ItemId> {
        loop {
            if let Some(id) = self.eviction.victim(self.now) {
                return Some(id);
            }
            if !self.walk_policy() {
                return self.eviction.victim(self.now);
            }
        }
    }
}
