//! Caches of keys and values of any length, as their users hold them: with room for twice what there is,
//! so that nothing is evicted.

use std::sync::Arc;

use super::store::Shared;

type Key = Box<[u8]>;
type Value = Arc<[u8]>;

impl Shared for moka::sync::Cache<Key, Value> {
    const NAME: &str = "moka";
    fn empty(keys: u32) -> Self {
        moka::sync::Cache::new(2 * u64::from(keys))
    }
    fn get(&self, key: &[u8], value: &mut Vec<u8>) -> bool {
        let found = moka::sync::Cache::get(self, key);
        found.map(|found| value.extend_from_slice(&found)).is_some()
    }
    fn set(&self, key: &[u8], value: &[u8]) {
        self.insert(key.into(), value.into());
    }
}

impl Shared for quick_cache::sync::Cache<Key, Value> {
    const NAME: &str = "quick_cache";
    fn empty(keys: u32) -> Self {
        quick_cache::sync::Cache::new(2 * keys as usize)
    }
    fn get(&self, key: &[u8], value: &mut Vec<u8>) -> bool {
        let found = quick_cache::sync::Cache::get(self, key);
        found.map(|found| value.extend_from_slice(&found)).is_some()
    }
    fn set(&self, key: &[u8], value: &[u8]) {
        self.insert(key.into(), value.into());
    }
}

impl Shared for foyer_memory::Cache<Key, Value> {
    const NAME: &str = "foyer";
    fn empty(keys: u32) -> Self {
        foyer_memory::CacheBuilder::new(2 * keys as usize).build()
    }
    fn get(&self, key: &[u8], value: &mut Vec<u8>) -> bool {
        let found = foyer_memory::Cache::get(self, key);
        found.map(|found| value.extend_from_slice(&found)).is_some()
    }
    fn set(&self, key: &[u8], value: &[u8]) {
        self.insert(key.into(), value.into());
    }
}
