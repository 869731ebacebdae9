//! Writing a value as `DUMP` gives it.

use super::listpack::Listpack;
use super::{VERSION, crc64, head, intset, kind, node};
use crate::command::number::parse_int;
use crate::reply::format_double;
use crate::value::set::Member;
use crate::value::{List, Value};

/// The bytes of a node of a list (`list-max-listpack-size` -2), but for an element that is longer.
const NODE_BYTES: usize = 8192;
/// What an element takes in a listpack at most, besides its bytes.
const ENTRY_BYTES: usize = 10;
/// The longest text that is tried as an integer: that of 32 bits.
const INTEGER_BYTES_MAX: usize = 11;

/// The payload of `value`.
pub fn write(value: Value<'_>) -> Vec<u8> {
    let mut out = Out(Vec::new());
    match value {
        Value::String(bytes) => {
            out.0.push(kind::STRING);
            out.string(bytes);
        }
        Value::Hash(hash) if hash.is_compact() => {
            let mut pack = Listpack::new();
            for (field, value) in hash.iter() {
                pack.push(field);
                pack.push(value);
            }
            out.packed(kind::HASH_LISTPACK, pack);
        }
        Value::Hash(hash) => {
            out.0.push(kind::HASH);
            out.len(hash.len() as u64);
            for (field, value) in hash.iter() {
                out.string(field);
                out.string(value);
            }
        }
        Value::List(list) => {
            out.0.push(kind::LIST_QUICKLIST_LISTPACKS);
            out.list(list);
        }
        Value::Set(set) if set.is_ints() => {
            let int = |member| match member {
                Member::Int(n) => Some(n),
                Member::Text(_) => None,
            };
            let mut integers: Vec<i64> = set.iter().filter_map(int).collect();
            integers.sort_unstable();
            out.0.push(kind::SET_INTSET);
            out.blob(&intset::write(&integers));
        }
        Value::Set(set) => {
            out.0.push(kind::SET);
            out.len(set.len() as u64);
            for member in set.iter() {
                member.text(|text| out.string(text));
            }
        }
        Value::SortedSet(set) if set.is_compact() => {
            let mut pack = Listpack::new();
            for (member, score) in set.iter() {
                pack.push(member);
                pack.push(format_double(score).as_bytes());
            }
            out.packed(kind::SORTED_SET_LISTPACK, pack);
        }
        Value::SortedSet(set) => {
            out.0.push(kind::SORTED_SET_BINARY);
            out.len(set.len() as u64);
            // From the highest on: whoever loads it inserts each before the others.
            for (member, score) in set.range(0..set.len(), true) {
                out.string(member);
                out.0.extend_from_slice(&score.to_bits().to_le_bytes());
            }
        }
    }
    let mut bytes = out.0;
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    let check = crc64(&bytes);
    bytes.extend_from_slice(&check.to_le_bytes());
    bytes
}

struct Out(Vec<u8>);

impl Out {
    fn len(&mut self, len: u64) {
        match len {
            0..64 => self.0.push(head::BITS_6 << 6 | len as u8),
            64..0x4000 => {
                let [high, low] = (len as u16).to_be_bytes();
                self.0.extend_from_slice(&[head::BITS_14 << 6 | high, low]);
            }
            0x4000..=0xffff_ffff => {
                self.0.push(head::BITS_32);
                self.0.extend_from_slice(&(len as u32).to_be_bytes());
            }
            _ => {
                self.0.push(head::BITS_64);
                self.0.extend_from_slice(&len.to_be_bytes());
            }
        }
    }

    fn string(&mut self, bytes: &[u8]) {
        let short = bytes.len() <= INTEGER_BYTES_MAX;
        let integer = parse_int(bytes).filter(|_| short);
        let Some(n) = integer.and_then(|n| i32::try_from(n).ok()) else {
            self.len(bytes.len() as u64);
            self.0.extend_from_slice(bytes);
            return;
        };
        let le = n.to_le_bytes();
        let (code, len) = match n {
            -0x80..=0x7f => (head::INT_8, 1),
            -0x8000..=0x7fff => (head::INT_16, 2),
            _ => (head::INT_32, 4),
        };
        self.0.push(code);
        self.0.extend_from_slice(&le[..len]);
    }

    /// A list in nodes of listpacks, as Redis fills them.
    fn list(&mut self, list: &List) {
        let mut nodes = Vec::new();
        let mut pack = Listpack::new();
        for element in list {
            if !pack.is_empty() && pack.len() + element.len() + ENTRY_BYTES > NODE_BYTES {
                nodes.push(std::mem::replace(&mut pack, Listpack::new()).finish());
            }
            pack.push(element);
        }
        nodes.push(pack.finish());
        self.len(nodes.len() as u64);
        for node in nodes {
            self.len(node::PACKED);
            self.blob(&node);
        }
    }

    /// A blob is written as a string that is no integer's text.
    fn blob(&mut self, bytes: &[u8]) {
        self.len(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn packed(&mut self, kind: u8, pack: Listpack) {
        self.0.push(kind);
        self.blob(&pack.finish());
    }
}
