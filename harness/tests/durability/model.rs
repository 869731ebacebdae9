//! What keys hold, and what writes make of it.
//!
//! Every write leaves something at its key that no other write leaves there, so what a key holds tells which of its
//! writes was the last.

use std::collections::BTreeMap;

use seawall_store::Reply;

/// What a key holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Held {
    #[default]
    Nothing,
    Text(Vec<u8>),
    /// The last that was pushed first.
    List(Vec<Vec<u8>>),
    Hash(BTreeMap<Vec<u8>, Vec<u8>>),
}

/// All keys that hold anything.
pub type Keys = BTreeMap<String, Held>;

/// A write at one key.
#[derive(Clone, Debug)]
pub struct Write {
    pub key: String,
    pub what: What,
}

#[derive(Clone, Debug)]
pub enum What {
    Set(Vec<u8>),
    Increase,
    Push(Vec<u8>),
    Field(Vec<u8>, Vec<u8>),
}

impl Write {
    /// The command.
    pub fn words(&self) -> Vec<&[u8]> {
        let key = self.key.as_bytes();
        match &self.what {
            What::Set(value) => vec![b"SET", key, value],
            What::Increase => vec![b"INCR", key],
            What::Push(value) => vec![b"LPUSH", key, value],
            What::Field(field, value) => vec![b"HSET", key, field, value],
        }
    }

    /// Does it, and gives the reply that it has to have.
    pub fn apply(&self, held: &mut Held) -> Reply {
        match (&self.what, &mut *held) {
            (What::Set(value), _) => {
                *held = Held::Text(value.clone());
                Reply::Simple("OK".to_owned())
            }
            (What::Increase, Held::Nothing) => {
                *held = Held::Text(b"1".to_vec());
                Reply::Int(1)
            }
            (What::Increase, Held::Text(text)) => {
                let number: i64 = String::from_utf8_lossy(text).parse().expect("a counter");
                *text = (number + 1).to_string().into_bytes();
                Reply::Int(number + 1)
            }
            (What::Push(value), Held::Nothing) => {
                *held = Held::List(vec![value.clone()]);
                Reply::Int(1)
            }
            (What::Push(value), Held::List(list)) => {
                list.insert(0, value.clone());
                Reply::Int(list.len() as i64)
            }
            (What::Field(field, value), Held::Nothing) => {
                *held = Held::Hash(BTreeMap::from([(field.clone(), value.clone())]));
                Reply::Int(1)
            }
            (What::Field(field, value), Held::Hash(hash)) => {
                let before = hash.insert(field.clone(), value.clone());
                Reply::Int(i64::from(before.is_none()))
            }
            (what, held) => panic!("{what:?} at a key that holds {held:?}"),
        }
    }
}

/// Writes that are sent together, and are there together or not at all.
#[derive(Clone, Debug)]
pub enum Op {
    One(Write),
    /// `MSET`: all of them are `SET`s.
    Several(Vec<Write>),
    /// `MULTI` and `EXEC`.
    Transaction(Vec<Write>),
}

impl Op {
    pub fn writes(&self) -> &[Write] {
        match self {
            Op::One(write) => std::slice::from_ref(write),
            Op::Several(writes) | Op::Transaction(writes) => writes,
        }
    }

    /// Its commands.
    pub fn commands(&self) -> Vec<Vec<&[u8]>> {
        match self {
            Op::One(write) => vec![write.words()],
            Op::Several(writes) => {
                let mut words: Vec<&[u8]> = vec![b"MSET"];
                words.extend(writes.iter().flat_map(|write| write.words().split_off(1)));
                vec![words]
            }
            Op::Transaction(writes) => {
                let mut commands: Vec<Vec<&[u8]>> = vec![vec![b"MULTI"]];
                commands.extend(writes.iter().map(Write::words));
                commands.push(vec![b"EXEC"]);
                commands
            }
        }
    }

    /// Does it, and gives the replies that it has to have.
    pub fn apply(&self, keys: &mut Keys) -> Vec<Reply> {
        let writes = self.writes().iter();
        let replies: Vec<Reply> = writes
            .map(|write| write.apply(keys.entry(write.key.clone()).or_default()))
            .collect();
        let simple = |text: &str| Reply::Simple(text.to_owned());
        match self {
            Op::One(_) => replies,
            Op::Several(_) => vec![simple("OK")],
            Op::Transaction(writes) => {
                let mut all = vec![simple("OK")];
                all.extend(writes.iter().map(|_| simple("QUEUED")));
                all.push(Reply::Array(replies));
                all
            }
        }
    }
}
