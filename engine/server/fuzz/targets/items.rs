//! What Memcached's commands must answer, by the plainest means: a map of items.
//!
//! It knows no times, no numbers and no stale items: a request that uses them is not its business
//! ([`Items::answer`] gives `None`), and must then not be given to the shard either.

use std::collections::BTreeMap;

#[derive(Clone)]
struct Item {
    value: Vec<u8>,
    flags: u32,
}

/// All items.
#[derive(Default)]
pub struct Items {
    items: BTreeMap<Vec<u8>, Item>,
}

/// What is answered.
type Reply = Vec<u8>;

/// The letters of a meta command that are understood here.
struct Letters<'a> {
    all: Vec<&'a [u8]>,
}

impl<'a> Letters<'a> {
    /// None where one is not understood, or stands there twice.
    fn read(words: &[&'a [u8]]) -> Option<Letters<'a>> {
        let mut seen = Vec::new();
        for word in words {
            let (first, rest) = word.split_first()?;
            let understood = match first {
                b'v' | b'f' | b's' | b'k' | b'q' => rest.is_empty(),
                b'O' => rest.len() < 32,
                b'F' | b'D' | b'J' => number(rest).is_some(),
                b'N' => rest == b"0",
                b'M' => rest.len() == 1,
                _ => false,
            };
            if !understood || seen.contains(first) {
                return None;
            }
            seen.push(*first);
        }
        Some(Letters {
            all: words.to_vec(),
        })
    }

    fn get(&self, letter: u8) -> Option<&'a [u8]> {
        let found = self.all.iter().find(|word| word.first() == Some(&letter));
        found.and_then(|word| word.get(1..))
    }

    fn has(&self, letter: u8) -> bool {
        self.get(letter).is_some()
    }

    /// A status and what is returned with it; of an item also these letters.
    fn status(&self, status: &str, key: &[u8], item: Option<(&Item, &[u8])>) -> Reply {
        let mut reply = status.as_bytes().to_vec();
        for word in &self.all {
            match (word[0], item) {
                (b'O', _) => {
                    reply.push(b' ');
                    reply.extend_from_slice(word);
                }
                (b'k', _) => {
                    reply.extend_from_slice(b" k");
                    reply.extend_from_slice(key);
                }
                (b'f', Some((item, shown))) if shown.contains(&b'f') => {
                    reply.extend(format!(" f{}", item.flags).bytes());
                }
                (b's', Some((item, shown))) if shown.contains(&b's') => {
                    reply.extend(format!(" s{}", item.value.len()).bytes());
                }
                _ => {}
            }
        }
        reply.extend_from_slice(b"\r\n");
        reply
    }

    /// As [`Letters::status`], with the value where it is wanted.
    fn item(&self, key: &[u8], item: &Item, shown: &[u8]) -> Reply {
        if !self.has(b'v') {
            return self.status("HD", key, Some((item, shown)));
        }
        let head = format!("VA {}", item.value.len());
        let mut reply = self.status(&head, key, Some((item, shown)));
        reply.extend_from_slice(&item.value);
        reply.extend_from_slice(b"\r\n");
        reply
    }
}

/// A number as C reads one, without sign.
fn number(word: &[u8]) -> Option<u64> {
    let digits = !word.is_empty() && word.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(word).ok().filter(|_| digits)?;
    text.parse().ok()
}

/// What an item holds as a number.
fn counted(value: &[u8]) -> Result<u64, ()> {
    number(value).ok_or(())
}

const NOT_NUMERIC: &[u8] = b"CLIENT_ERROR cannot increment or decrement non-numeric value\r\n";

impl Items {
    /// The reply to a command; `None` where it is not known here.
    pub fn answer(&mut self, name: &str, args: &[&[u8]]) -> Option<Reply> {
        let (name, key) = (name.strip_prefix("memcached.")?, *args.first()?);
        match (name, &args[1..]) {
            ("get", []) => Some(self.get(key)),
            ("set" | "add" | "replace" | "append" | "prepend", [value, flags, b"0"]) => {
                let stored = self.store(name, key, value, number(flags)? as u32);
                Some(if stored {
                    b"STORED\r\n".to_vec()
                } else {
                    b"NOT_STORED\r\n".to_vec()
                })
            }
            ("delete", []) => Some(match self.items.remove(key) {
                Some(_) => b"DELETED\r\n".to_vec(),
                None => b"NOT_FOUND\r\n".to_vec(),
            }),
            ("incr" | "decr", [delta]) => {
                let delta = number(delta)?;
                if !self.items.contains_key(key) {
                    return Some(b"NOT_FOUND\r\n".to_vec());
                }
                Some(match self.count(key, delta, name == "decr")? {
                    Ok(()) => [&*self.items.get(key)?.value, b"\r\n"].concat(),
                    Err(()) => NOT_NUMERIC.to_vec(),
                })
            }
            ("mg" | "mg|create", letters) => self.meta_get(key, &Letters::read(letters)?),
            ("ms", [value, letters @ ..]) => self.meta_set(key, value, &Letters::read(letters)?),
            ("md", letters) => {
                let letters = Letters::read(letters)?;
                Some(match self.items.remove(key) {
                    None => letters.status("NF", key, None),
                    Some(_) if letters.has(b'q') => Vec::new(),
                    Some(_) => letters.status("HD", key, None),
                })
            }
            ("ma", letters) => self.meta_count(key, &Letters::read(letters)?),
            _ => None,
        }
    }

    fn get(&self, key: &[u8]) -> Reply {
        let Some(item) = self.items.get(key) else {
            return Vec::new();
        };
        let mut reply = b"VALUE ".to_vec();
        reply.extend_from_slice(key);
        reply.extend(format!(" {} {}\r\n", item.flags, item.value.len()).bytes());
        reply.extend_from_slice(&item.value);
        reply.extend_from_slice(b"\r\n");
        reply
    }

    /// Whether it was stored.
    fn store(&mut self, mode: &str, key: &[u8], value: &[u8], flags: u32) -> bool {
        let held = self.items.get(key);
        let item = match (mode, held) {
            ("set", _) | ("add", None) | ("replace", Some(_)) => Item {
                value: value.to_vec(),
                flags,
            },
            ("append", Some(held)) => Item {
                value: [&held.value, value].concat(),
                flags: held.flags,
            },
            ("prepend", Some(held)) => Item {
                value: [value, &held.value].concat(),
                flags: held.flags,
            },
            _ => return false,
        };
        self.items.insert(key.to_vec(), item);
        true
    }

    /// Changes a number that is there; `None` where how it is written is not this model's business.
    fn count(&mut self, key: &[u8], delta: u64, down: bool) -> Option<Result<(), ()>> {
        let item = self.items.get_mut(key)?;
        let odd = item.value.iter().any(|b| b" \t\r\n\x0b\x0c+".contains(b));
        if odd {
            return None;
        }
        Some(counted(&item.value).map(|held| {
            let new = if down {
                held.saturating_sub(delta)
            } else {
                held.wrapping_add(delta)
            };
            item.value = new.to_string().into_bytes();
        }))
    }

    fn meta_get(&mut self, key: &[u8], letters: &Letters<'_>) -> Option<Reply> {
        if letters.has(b'N') && !self.items.contains_key(key) {
            // It would be told to fetch the value: that is not known here.
            return None;
        }
        Some(match self.items.get(key) {
            Some(item) => letters.item(key, item, b"fs"),
            None if letters.has(b'q') => Vec::new(),
            None => letters.status("EN", key, None),
        })
    }

    fn meta_set(&mut self, key: &[u8], value: &[u8], letters: &Letters<'_>) -> Option<Reply> {
        let mode = match letters.get(b'M').unwrap_or(b"S") {
            b"S" => "set",
            b"E" => "add",
            b"A" => "append",
            b"P" => "prepend",
            b"R" => "replace",
            _ => return None,
        };
        if letters.has(b'N') || letters.has(b's') {
            return None;
        }
        let flags = letters.get(b'F').and_then(number).unwrap_or(0) as u32;
        Some(match self.store(mode, key, value, flags) {
            true if letters.has(b'q') => Vec::new(),
            true => letters.status("HD", key, None),
            false => letters.status("NS", key, None),
        })
    }

    fn meta_count(&mut self, key: &[u8], letters: &Letters<'_>) -> Option<Reply> {
        let down = match letters.get(b'M').unwrap_or(b"I") {
            b"I" | b"+" => false,
            b"D" | b"-" => true,
            _ => return None,
        };
        let delta = letters.get(b'D').and_then(number).unwrap_or(1);
        if self.items.contains_key(key) {
            if self.count(key, delta, down)?.is_err() {
                return Some(NOT_NUMERIC.to_vec());
            }
            if letters.has(b'q') {
                return Some(Vec::new());
            }
        } else if letters.has(b'N') {
            let initial = letters.get(b'J').and_then(number).unwrap_or(0);
            self.store("set", key, initial.to_string().as_bytes(), 0);
        } else {
            return Some(letters.status("NF", key, None));
        }
        let item = self.items.get(key)?;
        Some(letters.item(key, item, b""))
    }
}
