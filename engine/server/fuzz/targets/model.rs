//! What some commands must answer, by the plainest means: maps, and no thought of speed.
//!
//! It knows no expiry, no options and no databases: a command that uses them is not its business
//! ([`Model::answer`] gives `None`), and must then not be given to the shard either.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A key's value.
enum Value {
    String(Vec<u8>),
    List(VecDeque<Vec<u8>>),
    Hash(BTreeMap<Vec<u8>, Vec<u8>>),
    Set(BTreeSet<Vec<u8>>),
}

/// All keys.
#[derive(Default)]
pub struct Model {
    keys: BTreeMap<Vec<u8>, Value>,
}

/// A reply, encoded.
type Reply = Vec<u8>;

const WRONG_TYPE: &str = "WRONGTYPE Operation against a key holding the wrong kind of value";
const NO_INTEGER: &str = "ERR value is not an integer or out of range";
const OVERFLOW: &str = "ERR increment or decrement would overflow";

fn error(words: &str) -> Reply {
    format!("-{words}\r\n").into_bytes()
}

fn int(n: i64) -> Reply {
    format!(":{n}\r\n").into_bytes()
}

fn status(words: &str) -> Reply {
    format!("+{words}\r\n").into_bytes()
}

fn bulk(bytes: Option<&[u8]>) -> Reply {
    let Some(bytes) = bytes else {
        return b"$-1\r\n".to_vec();
    };
    let mut reply = format!("${}\r\n", bytes.len()).into_bytes();
    reply.extend_from_slice(bytes);
    reply.extend(b"\r\n");
    reply
}

fn array<'a>(items: impl ExactSizeIterator<Item = &'a [u8]>) -> Reply {
    let mut reply = format!("*{}\r\n", items.len()).into_bytes();
    items.for_each(|item| reply.extend(bulk(Some(item))));
    reply
}

/// An integer as Redis reads one: no sign but a minus, no zeros before it, no spaces.
fn integer(word: &[u8]) -> Option<i64> {
    let n: i64 = std::str::from_utf8(word).ok()?.parse().ok()?;
    (n.to_string().as_bytes() == word).then_some(n)
}

impl Model {
    /// The reply to a command; `None` where it is not known here.
    pub fn answer(&mut self, name: &str, args: &[&[u8]]) -> Option<Reply> {
        Some(match (name, args) {
            ("dbsize", []) => int(self.keys.len() as i64),
            ("del", keys) if !keys.is_empty() => int(keys
                .iter()
                .filter(|&&key| self.keys.remove(key).is_some())
                .count() as i64),
            ("exists", keys) if !keys.is_empty() => int(keys
                .iter()
                .filter(|&&key| self.keys.contains_key(key))
                .count() as i64),
            ("type", [key]) => status(match self.keys.get(*key) {
                None => "none",
                Some(Value::String(_)) => "string",
                Some(Value::List(_)) => "list",
                Some(Value::Hash(_)) => "hash",
                Some(Value::Set(_)) => "set",
            }),
            ("set", [key, value]) => {
                self.put(key, value);
                status("OK")
            }
            (_, [key, args @ ..]) => self
                .on_string(name, key, args)
                .or_else(|| self.on_list(name, key, args))
                .or_else(|| self.on_hash(name, key, args))
                .or_else(|| self.on_set(name, key, args))?,
            _ => return None,
        })
    }

    fn put(&mut self, key: &[u8], value: &[u8]) {
        self.keys
            .insert(key.to_vec(), Value::String(value.to_vec()));
    }

    fn on_string(&mut self, name: &str, key: &[u8], args: &[&[u8]]) -> Option<Reply> {
        let known = match name {
            "get" | "strlen" | "getdel" | "incr" | "decr" => args.is_empty(),
            "append" | "setnx" | "getset" | "incrby" | "decrby" => args.len() == 1,
            _ => false,
        };
        if !known {
            return None;
        }
        let held = match self.keys.get(key) {
            None => None,
            Some(Value::String(value)) => Some(value.clone()),
            Some(_) if name == "setnx" => return Some(int(0)),
            Some(_) => {
                // A bad amount is told before the key is looked at.
                let amount = args.first().filter(|_| name.ends_with("crby"));
                let bad = amount.is_some_and(|word| integer(word).is_none());
                return Some(error(if bad { NO_INTEGER } else { WRONG_TYPE }));
            }
        };
        Some(match (name, args) {
            ("get", _) => bulk(held.as_deref()),
            ("strlen", _) => int(held.map_or(0, |value| value.len()) as i64),
            ("getdel", _) => {
                self.keys.remove(key);
                bulk(held.as_deref())
            }
            ("append", [more]) => {
                let value = [&held.unwrap_or_default(), *more].concat();
                self.put(key, &value);
                int(value.len() as i64)
            }
            ("setnx", [value]) => {
                if held.is_none() {
                    self.put(key, value);
                }
                int(i64::from(held.is_none()))
            }
            ("getset", [value]) => {
                self.put(key, value);
                bulk(held.as_deref())
            }
            ("incr", _) => self.add(key, held, 1),
            ("decr", _) => self.add(key, held, -1),
            ("incrby", [by]) => match integer(by) {
                Some(by) => self.add(key, held, by),
                None => error(NO_INTEGER),
            },
            ("decrby", [by]) => match integer(by) {
                Some(i64::MIN) => error("ERR decrement would overflow"),
                Some(by) => self.add(key, held, -by),
                None => error(NO_INTEGER),
            },
            _ => return None,
        })
    }

    fn add(&mut self, key: &[u8], held: Option<Vec<u8>>, by: i64) -> Reply {
        let held = held.unwrap_or_else(|| b"0".to_vec());
        let Some(now) = integer(&held) else {
            return error(NO_INTEGER);
        };
        let Some(sum) = now.checked_add(by) else {
            return error(OVERFLOW);
        };
        self.put(key, sum.to_string().as_bytes());
        int(sum)
    }

    fn on_list(&mut self, name: &str, key: &[u8], args: &[&[u8]]) -> Option<Reply> {
        let pushes = matches!(name, "lpush" | "rpush" | "lpushx" | "rpushx");
        let known = match name {
            "lpop" | "rpop" | "llen" => args.is_empty(),
            "lrange" => args.len() == 2,
            _ => pushes && !args.is_empty(),
        };
        if !known {
            return None;
        }
        let bounds = match args {
            [from, to] if name == "lrange" => match (integer(from), integer(to)) {
                (Some(from), Some(to)) => (from, to),
                _ => return Some(error(NO_INTEGER)),
            },
            _ => (0, 0),
        };
        let list = match self.keys.get_mut(key) {
            Some(Value::List(list)) => list,
            Some(_) => return Some(error(WRONG_TYPE)),
            None if matches!(name, "lpush" | "rpush") => {
                let empty = Value::List(VecDeque::new());
                let Value::List(list) = self.keys.entry(key.to_vec()).or_insert(empty) else {
                    return None;
                };
                list
            }
            None => {
                return Some(match name {
                    "lpop" | "rpop" => bulk(None),
                    "lrange" => array([].into_iter()),
                    _ => int(0),
                });
            }
        };
        Some(match name {
            "llen" => int(list.len() as i64),
            "lrange" => {
                let len = list.len() as i64;
                let at = |n: i64| if n < 0 { n.saturating_add(len) } else { n };
                let (from, to) = (at(bounds.0).max(0), at(bounds.1).min(len - 1));
                let items: Vec<&[u8]> = (from..=to).map(|i| &*list[i as usize]).collect();
                array(items.into_iter())
            }
            "lpop" | "rpop" => {
                let popped = if name == "lpop" {
                    list.pop_front()
                } else {
                    list.pop_back()
                };
                if list.is_empty() {
                    self.keys.remove(key);
                }
                bulk(popped.as_deref())
            }
            _ => {
                for item in args {
                    if name.starts_with('l') {
                        list.push_front(item.to_vec());
                    } else {
                        list.push_back(item.to_vec());
                    }
                }
                int(list.len() as i64)
            }
        })
    }

    fn on_hash(&mut self, name: &str, key: &[u8], args: &[&[u8]]) -> Option<Reply> {
        let known = match name {
            "hlen" => args.is_empty(),
            "hget" | "hexists" => args.len() == 1,
            "hset" => !args.is_empty() && args.len().is_multiple_of(2),
            "hdel" => !args.is_empty(),
            _ => false,
        };
        if !known {
            return None;
        }
        let mut empty = BTreeMap::new();
        let hash = match self.keys.get_mut(key) {
            Some(Value::Hash(hash)) => hash,
            Some(_) => return Some(error(WRONG_TYPE)),
            None => &mut empty,
        };
        Some(match (name, args) {
            ("hlen", _) => int(hash.len() as i64),
            ("hget", [field]) => bulk(hash.get(*field).map(Vec::as_slice)),
            ("hexists", [field]) => int(i64::from(hash.contains_key(*field))),
            ("hset", pairs) => {
                let before = hash.len();
                for pair in pairs.chunks_exact(2) {
                    hash.insert(pair[0].to_vec(), pair[1].to_vec());
                }
                let new = hash.len() - before;
                if !empty.is_empty() {
                    self.keys.insert(key.to_vec(), Value::Hash(empty));
                }
                int(new as i64)
            }
            (_, fields) => {
                let gone = fields.iter().filter(|&&field| hash.remove(field).is_some());
                let gone = gone.count();
                if hash.is_empty() {
                    self.keys.remove(key);
                }
                int(gone as i64)
            }
        })
    }

    fn on_set(&mut self, name: &str, key: &[u8], args: &[&[u8]]) -> Option<Reply> {
        let known = match name {
            "scard" => args.is_empty(),
            "sismember" => args.len() == 1,
            "sadd" | "srem" => !args.is_empty(),
            _ => false,
        };
        if !known {
            return None;
        }
        let mut empty = BTreeSet::new();
        let set = match self.keys.get_mut(key) {
            Some(Value::Set(set)) => set,
            Some(_) => return Some(error(WRONG_TYPE)),
            None => &mut empty,
        };
        Some(match (name, args) {
            ("scard", _) => int(set.len() as i64),
            ("sismember", [member]) => int(i64::from(set.contains(*member))),
            ("sadd", members) => {
                let new = members.iter().filter(|member| set.insert(member.to_vec()));
                let new = new.count();
                if !empty.is_empty() {
                    self.keys.insert(key.to_vec(), Value::Set(empty));
                }
                int(new as i64)
            }
            (_, members) => {
                let gone = members.iter().filter(|&&member| set.remove(member)).count();
                if set.is_empty() {
                    self.keys.remove(key);
                }
                int(gone as i64)
            }
        })
    }
}
