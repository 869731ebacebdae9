//! Maps of keys and values of any length, as their users hold them.

use std::collections::HashMap;
use std::sync::RwLock;

use super::store::Shared;

type Bytes = Box<[u8]>;

/// Copies what was found; whether there was anything.
#[inline]
fn copy(found: Option<impl AsRef<[u8]>>, value: &mut Vec<u8>) -> bool {
    let copied = found.map(|found| value.extend_from_slice(found.as_ref()));
    copied.is_some()
}

impl Shared for dashmap::DashMap<Bytes, Bytes> {
    const NAME: &str = "DashMap";
    fn empty(_keys: u32) -> Self {
        dashmap::DashMap::new()
    }
    fn get(&self, key: &[u8], value: &mut Vec<u8>) -> bool {
        let found = dashmap::DashMap::get(self, key);
        copy(found.as_ref().map(|found| &***found), value)
    }
    fn set(&self, key: &[u8], value: &[u8]) {
        self.insert(key.into(), value.into());
    }
}

impl Shared for papaya::HashMap<Bytes, Bytes> {
    const NAME: &str = "papaya";
    fn empty(_keys: u32) -> Self {
        papaya::HashMap::new()
    }
    fn get(&self, key: &[u8], value: &mut Vec<u8>) -> bool {
        copy(self.pin().get(key), value)
    }
    fn set(&self, key: &[u8], value: &[u8]) {
        self.pin().insert(key.into(), value.into());
    }
    fn get_batch(&self, keys: &[[u8; 16]], values: &mut Vec<u8>) -> usize {
        let map = self.pin();
        let found = keys
            .iter()
            .filter(|key| copy(map.get(key.as_slice()), values));
        found.count()
    }
}

impl Shared for scc::HashMap<Bytes, Bytes> {
    const NAME: &str = "scc";
    fn empty(_keys: u32) -> Self {
        scc::HashMap::new()
    }
    fn get(&self, key: &[u8], value: &mut Vec<u8>) -> bool {
        let found = self.read_sync(key, |_, found| value.extend_from_slice(found));
        found.is_some()
    }
    fn set(&self, key: &[u8], value: &[u8]) {
        self.upsert_sync(key.into(), value.into());
    }
}

impl Shared for RwLock<HashMap<Bytes, Bytes>> {
    const NAME: &str = "RwLock<HashMap>";
    fn empty(_keys: u32) -> Self {
        RwLock::default()
    }
    fn get(&self, key: &[u8], value: &mut Vec<u8>) -> bool {
        copy(self.read().expect("nobody panics").get(key), value)
    }
    fn set(&self, key: &[u8], value: &[u8]) {
        let mut map = self.write().expect("nobody panics");
        map.insert(key.into(), value.into());
    }
}
