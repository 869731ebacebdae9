//! The shard's side of eviction: entries, marks, and the policy behind them.
//!
//! A policy knows an item by a small number (its entry), which is dense and reused; the item knows its
//! entry, and the table here leads back. Where memory is unbounded, or nothing is ever evicted, none
//! of this is kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use rand::Rng;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::evict::family::mark::log_count;
use crate::evict::{Capacity, EntryId, Identities, MarkRule, Marks, Policy, PolicySpec, Setup};
use crate::mem::{Arena, Item, ItemId, ItemMarks};
use crate::shard::ShardConfig;
use crate::time::Millis;

/// The entry of an item that no policy knows yet.
const NO_ENTRY: EntryId = EntryId::MAX;

/// What a key's mark tells of its use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// How long ago it was last accessed.
    Idle {
        /// In whole seconds.
        seconds: u64,
    },
    /// Redis's logarithmic count of accesses, 0 to 255.
    Frequency(u32),
    /// The policy keeps neither.
    Unknown,
}

/// Residents by entry, and their marks.
pub(super) struct Residents {
    items: Vec<Option<ItemId>>,
    marks: ItemMarks,
}

impl Marks for Residents {
    fn get(&self, entry: EntryId) -> u32 {
        let id = self.items[entry as usize];
        // Relaxed: a mark orders nothing.
        id.map_or(0, |id| self.marks.of(id).load(Ordering::Relaxed))
    }

    fn set(&self, entry: EntryId, mark: u32) {
        if let Some(id) = self.items[entry as usize] {
            self.marks.of(id).store(mark, Ordering::Relaxed);
        }
    }
}

struct Active {
    policy: Box<dyn Policy<Residents>>,
    residents: Residents,
    free: Vec<EntryId>,
}

/// The eviction of one shard.
pub(super) struct Eviction {
    rule: MarkRule,
    /// The rule, for readers on other cores.
    shared: SharedRule,
    active: Option<Active>,
}

/// The rule of marks, as readers on other cores see it.
#[derive(Clone, Debug, Default)]
pub(super) struct SharedRule(Arc<AtomicU64>);

impl SharedRule {
    const SECOND: u64 = 5 << 32;

    /// What a hit does now.
    #[inline]
    pub(super) fn get(&self) -> MarkRule {
        // Relaxed: a mark by the rule before is a mark that the policy reads a little wrong, once.
        let word = self.0.load(Ordering::Relaxed);
        if word == SharedRule::SECOND {
            return MarkRule::Second;
        }
        SharedRule::rule(word)
    }

    #[inline(never)]
    fn rule(word: u64) -> MarkRule {
        match word >> 32 {
            0 => MarkRule::Nothing,
            1 => MarkRule::Bit,
            2 => MarkRule::Count { max: word as u32 },
            3 => MarkRule::Touch,
            4 => MarkRule::Stamp,
            5 => MarkRule::Second,
            _ => MarkRule::LogCount,
        }
    }

    fn set(&self, rule: MarkRule) {
        let word = match rule {
            MarkRule::Nothing => 0,
            MarkRule::Bit => 1 << 32,
            MarkRule::Count { max } => 2 << 32 | u64::from(max),
            MarkRule::Touch => 3 << 32,
            MarkRule::Stamp => 4 << 32,
            MarkRule::Second => SharedRule::SECOND,
            MarkRule::LogCount => 6 << 32,
        };
        self.0.store(word, Ordering::Relaxed);
    }
}

impl Eviction {
    /// As configured.
    pub(super) fn new(config: &ShardConfig, arena: &Arena) -> Eviction {
        let mut eviction = Eviction {
            rule: MarkRule::Second,
            shared: SharedRule::default(),
            active: None,
        };
        eviction.configure(config, arena);
        eviction
    }

    /// Begins anew, as configured: no item is known.
    pub(super) fn configure(&mut self, config: &ShardConfig, arena: &Arena) {
        let spec = with_samples(&config.policy, config.samples);
        let policy: Box<dyn Policy<Residents>> = spec.build(Setup {
            capacity: Capacity::Bytes(config.maxmemory.max(1)),
            identities: Identities::Hashed,
            seed: config.seed,
        });
        if config.maxmemory == 0 || spec == PolicySpec::default() {
            // Nobody goes, and yet `OBJECT` tells what the policy would go by.
            self.active = None;
            self.set_rule(match policy.mark_rule() {
                rule @ (MarkRule::Stamp | MarkRule::LogCount) => rule,
                _ => MarkRule::Second,
            });
            return;
        }
        self.set_rule(match policy.mark_rule() {
            MarkRule::Nothing => MarkRule::Second,
            rule => rule,
        });
        self.active = Some(Active {
            policy,
            residents: Residents {
                items: Vec::new(),
                marks: arena.marks(),
            },
            free: Vec::new(),
        });
    }

    fn set_rule(&mut self, rule: MarkRule) {
        self.rule = rule;
        self.shared.set(rule);
    }

    /// What a hit does, for readers on other cores.
    pub(super) fn shared_rule(&self) -> SharedRule {
        self.shared.clone()
    }

    /// Whether the policy is one that knows items, and knows this one not.
    pub(super) fn misses(&self, entry: Option<EntryId>, id: ItemId) -> bool {
        (self.active.as_ref()).is_some_and(|active| active.known(entry, id).is_none())
    }

    /// Whether somebody may have to go, so that items have entries.
    pub(super) fn evicts(&self) -> bool {
        self.active.is_some()
    }

    /// The entry that an item is made with, where it needs room for one.
    pub(super) fn first_entry(&self) -> Option<EntryId> {
        self.evicts().then_some(NO_ENTRY)
    }

    /// The entry with which `item` is made anew.
    pub(super) fn entry_of(&self, item: Item<'_>) -> Option<EntryId> {
        self.evicts().then(|| item.entry().unwrap_or(NO_ENTRY))
    }

    /// A hit, by the owner.
    #[inline]
    pub(super) fn hit(
        &mut self,
        item: Item<'_>,
        id: ItemId,
        now: Millis,
        random: &mut Xoshiro256PlusPlus,
    ) {
        match (self.rule, &mut self.active) {
            (MarkRule::Touch, Some(active)) => {
                if let Some(entry) = active.known(item.entry(), id) {
                    active.policy.touch(entry);
                }
            }
            (rule, _) => mark_hit(rule, item, now, || random.next_u32()),
        }
    }

    /// The mark that an item begins with, unless the policy says otherwise.
    pub(super) fn first_mark(&self, now: Millis) -> u32 {
        match self.rule {
            rule @ (MarkRule::Second | MarkRule::Stamp) => rule.next(0, now, 0),
            MarkRule::LogCount => log_count::new(now),
            _ => 0,
        }
    }

    /// Whether a policy that evicts goes by how long ago or how often each item was used.
    pub(super) fn marks_uses(&self) -> bool {
        self.active.is_some() && matches!(self.rule, MarkRule::Stamp | MarkRule::LogCount)
    }

    /// What the mark of an item tells of its use.
    pub(super) fn usage(&self, item: Item<'_>, now: Millis) -> Usage {
        // Relaxed: a mark orders nothing.
        let mark = item.mark().load(Ordering::Relaxed);
        match self.rule {
            MarkRule::Second => Usage::Idle {
                seconds: u64::from(((now.0 / 1000) as u32).wrapping_sub(mark)),
            },
            MarkRule::Stamp => Usage::Idle {
                seconds: u64::from((now.0 as u32).wrapping_sub(mark)) / 1000,
            },
            MarkRule::LogCount => Usage::Frequency(log_count::decayed(mark, now)),
            _ => Usage::Unknown,
        }
    }

    /// Lets the mark of an item tell this of its use, where it can.
    pub(super) fn set_usage(&self, item: Item<'_>, usage: Usage, now: Millis) {
        let mark = match (self.rule, usage) {
            (MarkRule::Second, Usage::Idle { seconds }) => {
                (now.0 / 1000).wrapping_sub(seconds) as u32
            }
            (MarkRule::Stamp, Usage::Idle { seconds }) => {
                // The mark's milliseconds wrap: longer than half of their range is not told apart.
                let idle_ms = seconds.saturating_mul(1000).min(u64::from(u32::MAX) / 2);
                (now.0 as u32).wrapping_sub(idle_ms as u32)
            }
            (MarkRule::LogCount, Usage::Frequency(count)) => log_count::pack(count.min(255), now),
            _ => return,
        };
        // Relaxed: as above.
        item.mark().store(mark, Ordering::Relaxed);
    }

    /// A hit on another core: it is the policy's only if the entry still is `id`.
    pub(super) fn touch(&mut self, entry: Option<EntryId>, id: ItemId) {
        if let Some(active) = &mut self.active
            && let Some(entry) = active.known(entry, id)
        {
            active.policy.touch(entry);
        }
    }

    /// An object is about to be inserted.
    pub(super) fn arrive(&mut self, identity: u64, size: u64) {
        if let Some(active) = &mut self.active {
            active.policy.arrive(identity, size);
        }
    }

    /// The item is resident from now on.
    pub(super) fn insert(
        &mut self,
        item: Item<'_>,
        id: ItemId,
        identity: u64,
        size: u64,
        now: Millis,
    ) {
        let Some(active) = &mut self.active else {
            return;
        };
        let items = &mut active.residents.items;
        let entry = active.free.pop().unwrap_or_else(|| {
            items.push(None);
            items.len() as EntryId - 1
        });
        items[entry as usize] = Some(id);
        item.set_entry(entry);
        active
            .policy
            .insert(entry, identity, size, now, &active.residents);
        if let Some(at) = item.expires() {
            active.policy.expires(entry, Some(at));
        }
    }

    /// The object lies in another item.
    pub(super) fn rename(&mut self, entry: Option<EntryId>, old: ItemId, id: ItemId) {
        if let Some(active) = &mut self.active
            && let Some(entry) = active.known(entry, old)
        {
            active.residents.items[entry as usize] = Some(id);
        }
    }

    /// The object's expiry changed.
    pub(super) fn expires(&mut self, entry: Option<EntryId>, id: ItemId, at: Option<Millis>) {
        if let Some(active) = &mut self.active
            && let Some(entry) = active.known(entry, id)
        {
            active.policy.expires(entry, at);
        }
    }

    /// The object left.
    pub(super) fn remove(&mut self, entry: Option<EntryId>, id: ItemId) {
        if let Some(active) = &mut self.active
            && let Some(entry) = active.known(entry, id)
        {
            active.policy.remove(entry);
            active.release(entry);
        }
    }

    /// Who goes, forgotten already.
    pub(super) fn victim(&mut self, now: Millis) -> Option<ItemId> {
        let active = self.active.as_mut()?;
        let entry = active.policy.victim(now, &active.residents)?;
        let id = active.residents.items[entry as usize];
        active.release(entry);
        id
    }
}

impl Active {
    /// The item's entry, if the policy knows it by that: an item may have an entry of a policy before.
    #[inline]
    fn known(&self, entry: Option<EntryId>, id: ItemId) -> Option<EntryId> {
        entry.filter(|&entry| self.residents.items.get(entry as usize) == Some(&Some(id)))
    }

    fn release(&mut self, entry: EntryId) {
        self.residents.items[entry as usize] = None;
        self.free.push(entry);
    }
}

/// Marks a hit on `item`, on any core; `random` is asked only where the rule wants it. A mark that
/// stays as it is is not written, so that hot items do not pass from core to core.
#[inline]
pub(super) fn mark_hit(rule: MarkRule, item: Item<'_>, now: Millis, random: impl FnOnce() -> u32) {
    let word = item.mark();
    // Relaxed: two hits at once may count as one, which costs the policy a little and nobody else.
    let mark = word.load(Ordering::Relaxed);
    // The rule where nothing is evicted by itself: it looks into no table of rules.
    let next = if rule == MarkRule::Second {
        MarkRule::Second.next(mark, now, 0)
    } else {
        next_mark(rule, mark, now, random)
    };
    // Without a branch: which item was not read yet in this second is anybody's guess, and a processor that
    // guesses wrong, once the item is there at last, has to begin anew with whatever comes after. Where nobody
    // looks is hidden from the compiler, which would make a branch of it.
    let nowhere = AtomicU32::new(0);
    let nowhere = std::hint::black_box(&nowhere);
    std::hint::select_unpredictable(next != mark, word, nowhere).store(next, Ordering::Relaxed);
}

#[inline(never)]
fn next_mark(rule: MarkRule, mark: u32, now: Millis, random: impl FnOnce() -> u32) -> u32 {
    let random = if rule == MarkRule::LogCount {
        random()
    } else {
        0
    };
    rule.next(mark, now, random)
}

/// `spec` with `maxmemory-samples` where it samples and says nothing else itself.
fn with_samples(spec: &PolicySpec, samples: u32) -> PolicySpec {
    let text = spec.to_string();
    if text.contains(':') || !spec.params().any(|(name, _)| name == "samples") {
        return spec.clone();
    }
    format!("{text}:samples={samples}")
        .parse()
        .unwrap_or_else(|_| spec.clone())
}
