//! The three regions, each a line by last use, and what each holds.

use crate::evict::order::ghost::IdentityOf;
use crate::evict::order::links::Links;
use crate::evict::{EntryId, Identities};

/// The regions.
pub const WINDOW: usize = 0;
pub const PROBATION: usize = 1;
pub const PROTECTED: usize = 2;

/// In a resident's word: its region stands above its size. A size beyond 30 bits only blurs the shares.
const SIZE_BITS: u32 = 30;
const SIZE_MAX: u64 = (1 << SIZE_BITS) - 1;

/// Who is where.
pub struct Regions {
    links: Links,
    words: Vec<u32>,
    identities: IdentityOf,
    held: [u64; 3],
    count: usize,
}

impl Regions {
    pub fn new(identities: Identities<'_>) -> Regions {
        Regions {
            links: Links::new(3),
            words: Vec::new(),
            identities: IdentityOf::new(identities),
            held: [0; 3],
            count: 0,
        }
    }

    /// What a region holds.
    pub fn held(&self, region: usize) -> u64 {
        self.held[region]
    }

    /// What the main region holds, on probation and protected.
    pub fn main_held(&self) -> u64 {
        self.held[PROBATION] + self.held[PROTECTED]
    }

    /// How many are resident.
    pub fn count(&self) -> usize {
        self.count
    }

    pub fn contains(&self, entry: EntryId) -> bool {
        self.links.contains(entry)
    }

    pub fn region(&self, entry: EntryId) -> usize {
        (self.words[entry as usize] >> SIZE_BITS) as usize
    }

    pub fn size(&self, entry: EntryId) -> u64 {
        u64::from(self.words[entry as usize]) & SIZE_MAX
    }

    pub fn identity(&self, entry: EntryId) -> u64 {
        self.identities.get(entry)
    }

    /// Who was used longest ago in a region.
    pub fn oldest(&self, region: usize) -> Option<EntryId> {
        self.links.oldest(region as u32)
    }

    /// Who was used longest ago in the lowest part of the main region that is not empty.
    pub fn oldest_of_main(&self) -> Option<EntryId> {
        self.oldest(PROBATION).or_else(|| self.oldest(PROTECTED))
    }

    /// `entry` comes in at the newest end of `region`.
    pub fn push(&mut self, region: usize, entry: EntryId, identity: u64, size: u64) {
        let index = entry as usize;
        if index >= self.words.len() {
            self.words.resize((index + 1).next_power_of_two(), 0);
        }
        let size = size.min(SIZE_MAX);
        self.words[index] = (region as u32) << SIZE_BITS | size as u32;
        self.identities.set(entry, identity);
        self.held[region] += size;
        self.count += 1;
        self.links.push(region as u32, entry);
    }

    /// Moves `entry` to the newest end of `region`.
    pub fn shift(&mut self, region: usize, entry: EntryId) {
        let size = self.size(entry);
        self.held[self.region(entry)] -= size;
        self.held[region] += size;
        self.words[entry as usize] = (region as u32) << SIZE_BITS | size as u32;
        self.links.renew(region as u32, entry);
    }

    pub fn remove(&mut self, entry: EntryId) {
        self.held[self.region(entry)] -= self.size(entry);
        self.count -= 1;
        self.links.remove(entry);
    }
}
