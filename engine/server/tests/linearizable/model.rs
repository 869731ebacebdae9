//! What a store that does one operation after another answers: strings, lists, expiry, transactions.
//!
//! The model is asked whether an answer could be, and what the store holds then. Keys that expire or are
//! evicted go by themselves: where a history tells when ([`Asked::Lost`]) that is an operation like
//! any other, and where it does not, an answer that there is no such key may say so ([`Loss`]).

use std::collections::{BTreeMap, VecDeque};

use seawall_store::Reply;
use todc_utils::linearizability::WGLChecker;
use todc_utils::linearizability::history::{Action, History};
use todc_utils::specifications::Specification;

/// Which keys may go without an operation that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// None: the history tells of each.
    Told,
    /// Those with a time to live, at any time: how exactly they keep it is another test's matter.
    Expiry,
    /// Any: memory is short.
    Eviction,
}

/// What was asked.
#[derive(Clone, Debug)]
pub enum Asked {
    /// A command.
    One(String),
    /// `MULTI`, commands, `EXEC`; perhaps behind a `WATCH` of a key, with what it was then seen to hold.
    Multi {
        watched: Option<(String, Reply)>,
        commands: Vec<String>,
    },
    /// A key expired or was evicted.
    Lost(String),
}

/// What was asked when, and the answer.
#[derive(Clone, Debug)]
pub struct Operation {
    pub asked: Asked,
    /// Its times, in a unit of the history's own.
    pub begun: u64,
    pub ended: u64,
    /// `None`: it waited until the end.
    pub reply: Option<Reply>,
    pub loss: Loss,
}

/// What a key holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Value {
    Text(String),
    List(VecDeque<String>),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Held {
    value: Value,
    /// Whether it has a time to live.
    expires: bool,
}

type Keys = BTreeMap<String, Held>;

/// The model as the checker takes it.
struct Store;

impl Specification for Store {
    type State = Keys;
    type Operation = Operation;

    fn init() -> Keys {
        Keys::new()
    }

    fn apply(operation: &Operation, keys: &Keys) -> (bool, Keys) {
        let mut next = Step {
            keys: keys.clone(),
            loss: operation.loss,
        };
        if next.is_answer(&operation.asked, operation.reply.as_ref()) {
            (true, next.keys)
        } else {
            (false, keys.clone())
        }
    }
}

/// Whether there is an order of `operations` that answers so.
pub fn is_linearizable(operations: &[Operation]) -> bool {
    let mut actions: Vec<(u64, bool, usize)> = Vec::new();
    for (at, operation) in operations.iter().enumerate() {
        actions.push((operation.begun, false, at));
        actions.push((operation.ended, true, at));
    }
    // What ends when another begins is taken to overlap it.
    actions.sort_unstable();
    if actions.is_empty() {
        return true;
    }
    let action = |(_, ends, at): (u64, bool, usize)| {
        let operation = operations[at].clone();
        let action = if ends {
            Action::Response(operation)
        } else {
            Action::Call(operation)
        };
        (at, action)
    };
    WGLChecker::<Store>::is_linearizable(History::from_actions(
        actions.into_iter().map(action).collect(),
    ))
}

/// The operations as a reader follows them: a line each, in the order of their beginnings.
pub fn story(operations: &[Operation]) -> String {
    let mut sorted: Vec<&Operation> = operations.iter().collect();
    sorted.sort_by_key(|operation| operation.begun);
    let line = |operation: &&Operation| {
        let asked = match &operation.asked {
            Asked::One(command) => command.clone(),
            Asked::Multi { watched, commands } => {
                let watched = watched.as_ref().map(|(key, _)| format!("watch {key}; "));
                format!(
                    "{}multi: {}",
                    watched.unwrap_or_default(),
                    commands.join("; ")
                )
            }
            Asked::Lost(key) => format!("({key} expired or was evicted)"),
        };
        let (begun, ended) = (operation.begun, operation.ended);
        let reply = operation.reply.as_ref().map_or_else(String::new, text);
        format!("{begun:>8} {ended:>8}  {asked}  ->  {reply}\n")
    };
    sorted.iter().map(line).collect()
}

fn text(reply: &Reply) -> String {
    match reply {
        Reply::Simple(text) | Reply::Error(text) => text.clone(),
        Reply::Int(number) => number.to_string(),
        Reply::Bulk(bytes) => bytes.escape_ascii().to_string(),
        Reply::Array(replies) => {
            format!(
                "[{}]",
                replies.iter().map(text).collect::<Vec<_>>().join(", ")
            )
        }
        other => format!("{other:?}"),
    }
}

/// One operation on the way through the model.
struct Step {
    keys: Keys,
    loss: Loss,
}

impl Step {
    fn is_answer(&mut self, asked: &Asked, reply: Option<&Reply>) -> bool {
        match (asked, reply) {
            (Asked::Lost(key), _) => self.keys.remove(key).is_some(),
            // It waited, and did nothing.
            (Asked::One(command), None) => command.starts_with("blpop"),
            (Asked::One(command), Some(reply)) => self.is_reply(command, reply),
            (Asked::Multi { watched, commands }, Some(Reply::Array(replies))) => {
                let as_seen =
                    |(key, seen): &(String, Reply)| self.is_reply(&format!("get {key}"), seen);
                watched.as_ref().is_none_or(as_seen)
                    && commands.len() == replies.len()
                    && commands
                        .iter()
                        .zip(replies)
                        .all(|(command, reply)| self.is_reply(command, reply))
            }
            // A watch may fail for a change that left everything as it was.
            (Asked::Multi { watched, .. }, Some(Reply::Nil)) => watched.is_some(),
            (Asked::Multi { .. }, Some(Reply::Error(error))) => error.contains("OOM"),
            (Asked::Multi { .. }, _) => false,
        }
    }

    fn text(&self, key: &str) -> Option<&str> {
        match &self.keys.get(key)?.value {
            Value::Text(text) => Some(text),
            Value::List(_) => None,
        }
    }

    fn list(&mut self, key: &str) -> Option<&mut VecDeque<String>> {
        match &mut self.keys.get_mut(key)?.value {
            Value::List(list) => Some(list),
            Value::Text(_) => None,
        }
    }

    /// Whether `key` may have gone by itself.
    fn may_be_lost(&self, key: &str) -> bool {
        self.keys.get(key).is_none_or(|held| match self.loss {
            Loss::Told => false,
            Loss::Expiry => held.expires,
            Loss::Eviction => true,
        })
    }

    /// Whether an answer may say that there is no `key`; then there is none.
    fn is_absent(&mut self, key: &str) -> bool {
        let absent = self.may_be_lost(key);
        if absent {
            self.keys.remove(key);
        }
        absent
    }

    /// Whether `reply` is what a key is read as that holds a string, a list, or nothing.
    fn is_read(&mut self, key: &str, reply: &Reply) -> bool {
        match reply {
            Reply::Nil => self.is_absent(key),
            Reply::Bulk(bytes) => self.text(key).is_some_and(|text| text.as_bytes() == bytes),
            Reply::Error(error) => error.starts_with("WRONGTYPE") && self.list(key).is_some(),
            _ => false,
        }
    }

    fn put(&mut self, key: &str, text: &str, expires: bool) {
        let held = Held {
            value: Value::Text(text.to_owned()),
            expires,
        };
        self.keys.insert(key.to_owned(), held);
    }

    /// Whether `reply` may be the answer to `command`, whose effect it then has.
    fn is_reply(&mut self, command: &str, reply: &Reply) -> bool {
        if let Reply::Error(error) = reply
            && error.starts_with("OOM")
        {
            return true;
        }
        let words: Vec<&str> = command.split(' ').collect();
        match words[..] {
            ["get", key] => self.is_read(key, reply),
            ["set", key, text] => {
                self.put(key, text, false);
                reply.is_ok()
            }
            ["set", key, text, "px", _] => {
                self.put(key, text, true);
                reply.is_ok()
            }
            ["getset", key, text] => {
                let read = self.is_read(key, reply);
                if !matches!(reply, Reply::Error(_)) {
                    self.put(key, text, false);
                }
                read
            }
            ["incr", key] => self.is_incremented(key, reply),
            ["del", ref keys @ ..] => {
                let mut keys = keys.to_vec();
                keys.sort_unstable();
                keys.dedup();
                let sure = keys.iter().filter(|key| !self.may_be_lost(key)).count() as i64;
                let there = keys.iter().filter(|&&key| self.keys.remove(key).is_some());
                let most = there.count() as i64;
                matches!(*reply, Reply::Int(gone) if sure <= gone && gone <= most)
            }
            ["mset", ref pairs @ ..] => {
                pairs
                    .chunks(2)
                    .for_each(|pair| self.put(pair[0], pair[1], false));
                reply.is_ok()
            }
            ["mget", ref keys @ ..] => {
                let Reply::Array(replies) = reply else {
                    return false;
                };
                let as_read = |(key, reply): (&&str, &Reply)| {
                    (*reply == Reply::Nil && self.list(key).is_some()) || self.is_read(key, reply)
                };
                keys.len() == replies.len() && keys.iter().zip(replies).all(as_read)
            }
            ["rename", from, to] => match reply {
                Reply::Error(error) => error == "ERR no such key" && self.is_absent(from),
                reply => {
                    let Some(held) = self.keys.remove(from) else {
                        return false;
                    };
                    self.keys.insert(to.to_owned(), held);
                    reply.is_ok()
                }
            },
            ["rpush", key, text] => self.is_pushed(key, text, reply),
            ["blpop", ref keys @ .., _] => self.is_popped(keys, reply),
            _ => unreachable!("no model of {command:?}"),
        }
    }

    fn is_incremented(&mut self, key: &str, reply: &Reply) -> bool {
        match reply {
            Reply::Error(error) if error.starts_with("WRONGTYPE") => self.list(key).is_some(),
            Reply::Error(_) => self
                .text(key)
                .is_some_and(|text| text.parse::<i64>().is_err()),
            Reply::Int(number) => {
                let before = self.text(key).and_then(|text| text.parse::<i64>().ok());
                if before.is_some_and(|before| before + 1 == *number) {
                    let held = self.keys.get_mut(key).expect("it was read");
                    held.value = Value::Text(number.to_string());
                    return true;
                }
                let fresh = *number == 1 && self.is_absent(key);
                if fresh {
                    self.put(key, "1", false);
                }
                fresh
            }
            _ => false,
        }
    }

    fn is_pushed(&mut self, key: &str, text: &str, reply: &Reply) -> bool {
        match *reply {
            Reply::Error(_) => self.text(key).is_some(),
            Reply::Int(len) => {
                if let Some(list) = self.list(key)
                    && list.len() as i64 + 1 == len
                {
                    list.push_back(text.to_owned());
                    return true;
                }
                let fresh = len == 1 && self.is_absent(key);
                if fresh {
                    let value = Value::List(VecDeque::from([text.to_owned()]));
                    self.keys.insert(
                        key.to_owned(),
                        Held {
                            value,
                            expires: false,
                        },
                    );
                }
                fresh
            }
            _ => false,
        }
    }

    /// Who waited is served with whichever of its keys became ready first, whatever the others hold by
    /// then.
    fn is_popped(&mut self, keys: &[&str], reply: &Reply) -> bool {
        match reply {
            Reply::Nil => keys.iter().all(|key| self.is_absent(key)),
            Reply::Error(_) => keys.iter().any(|key| self.text(key).is_some()),
            Reply::Array(parts) => {
                let [Reply::Bulk(key), Reply::Bulk(text)] = &parts[..] else {
                    return false;
                };
                let Some(key) = keys.iter().find(|asked| asked.as_bytes() == key) else {
                    return false;
                };
                let Some(list) = self.list(key) else {
                    return false;
                };
                let first = list.pop_front();
                if list.is_empty() {
                    self.keys.remove(*key);
                }
                first.is_some_and(|first| first.as_bytes() == text)
            }
            _ => false,
        }
    }
}
