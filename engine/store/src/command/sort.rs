//! `SORT`: the elements of a list, set or sorted set in an order of one's choice.
//!
//! The keys that `BY` and `GET` lead to are made of the elements, so nobody can tell them from the
//! command alone: [`reaches_out`] says that there may be such keys, and [`referred`] names them.

use std::cmp::Ordering;

use super::{Call, Command, CommandError, Flag, Flags, Keys, number};
use crate::event::Class;
use crate::keyspace::{Keyspace, Owned};
use crate::op::Op;
use crate::rdb;
use crate::value::set::Member;
use crate::value::{List, Value};

/// `SORT key [BY pattern] [LIMIT offset count] [GET pattern ...] [ASC | DESC] [ALPHA] [STORE destination]`
pub static SORT: Command = Command {
    name: "sort",
    arity: -2,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom, Flag::Movablekeys]),
    keys: Keys::After {
        from: 1,
        words: &["store"],
    },
    about: "the elements of a key in order",
    run: |call| sort(call, true),
};

/// `SORT_RO key [BY pattern] [LIMIT offset count] [GET pattern ...] [ASC | DESC] [ALPHA]`
pub static SORT_RO: Command = Command {
    name: "sort_ro",
    arity: -2,
    flags: Flags::of(&[Flag::Readonly, Flag::Movablekeys]),
    keys: Keys::ONE,
    about: "the elements of a key in order",
    run: |call| sort(call, false),
};

/// What a call asks for.
#[derive(Default)]
struct Options<'a> {
    descending: bool,
    alpha: bool,
    offset: i64,
    /// Negative: all.
    count: i64,
    by: Option<&'a [u8]>,
    get: Vec<&'a [u8]>,
    store: Option<&'a [u8]>,
}

impl<'a> Options<'a> {
    fn parse(op: &'a Op, may_store: bool) -> Result<Options<'a>, CommandError> {
        let mut options = Options {
            count: -1,
            ..Options::default()
        };
        let mut i = 1;
        while let Some(word) = op.get(i) {
            let (first, second) = (op.get(i + 1), op.get(i + 2));
            match (word.to_ascii_lowercase().as_slice(), first, second) {
                (b"asc", ..) => options.descending = false,
                (b"desc", ..) => options.descending = true,
                (b"alpha", ..) => options.alpha = true,
                (b"limit", Some(offset), Some(count)) => {
                    options.offset = number::int(offset)?;
                    options.count = number::int(count)?;
                    i += 2;
                }
                (b"store", Some(key), _) if may_store => {
                    options.store = Some(key);
                    i += 1;
                }
                (b"by", Some(pattern), _) => {
                    options.by = Some(pattern);
                    i += 1;
                }
                (b"get", Some(pattern), _) => {
                    options.get.push(pattern);
                    i += 1;
                }
                _ => return Err(CommandError::SYNTAX),
            }
            i += 1;
        }
        Ok(options)
    }

    /// Whether elements stay in the order that they have: a pattern for all is a pattern for none.
    fn keeps_order(&self) -> bool {
        self.by.is_some_and(|pattern| !pattern.contains(&b'*'))
    }

    /// The part of `len` elements that is wanted.
    fn part(&self, len: usize) -> std::ops::Range<usize> {
        let bounded = |n: i64| usize::try_from(n).unwrap_or(0).min(len);
        let start = bounded(self.offset);
        let count = if self.count < 0 {
            len
        } else {
            bounded(self.count)
        };
        start..(start + count).min(len)
    }
}

/// Where an element leads: a key, or a field of a hash.
struct Place {
    key: Vec<u8>,
    field: Option<Vec<u8>>,
}

impl Place {
    /// The place by `pattern`; `None` where that has no `*`.
    fn of(pattern: &[u8], element: &[u8]) -> Option<Place> {
        let star = pattern.iter().position(|&byte| byte == b'*')?;
        let rest = &pattern[star + 1..];
        let arrow = rest.windows(2).position(|pair| pair == b"->");
        // An arrow at the end belongs to the key.
        let arrow = arrow.filter(|at| at + 2 < rest.len());
        let behind = &rest[..arrow.unwrap_or(rest.len())];
        Some(Place {
            key: [&pattern[..star], element, behind].concat(),
            field: arrow.map(|at| rest[at + 2..].to_vec()),
        })
    }

    fn read(&self, keyspace: &mut Keyspace) -> Option<Vec<u8>> {
        match (keyspace.get(&self.key)?, &self.field) {
            (Value::String(bytes), None) => Some(bytes.to_vec()),
            (Value::Hash(hash), Some(field)) => hash.get(field).map(<[u8]>::to_vec),
            _ => None,
        }
    }
}

/// Whether `op`, a `SORT` or `SORT_RO`, may look at keys that its arguments do not name.
pub fn reaches_out(op: &Op) -> bool {
    Options::parse(op, true).is_ok_and(|options| patterns(&options).next().is_some())
}

/// Shows the keys that `op`, a `SORT` or `SORT_RO`, looks at for `element`.
pub fn referred(op: &Op, element: &[u8], mut each: impl FnMut(&[u8])) {
    if let Ok(options) = Options::parse(op, true) {
        for place in patterns(&options).filter_map(|pattern| Place::of(pattern, element)) {
            each(&place.key);
        }
    }
}

fn patterns<'a>(options: &'a Options<'_>) -> impl Iterator<Item = &'a [u8]> {
    let all = options.by.iter().chain(&options.get);
    all.copied().filter(|pattern| pattern.contains(&b'*'))
}

/// An element, and what it is sorted by.
struct Entry {
    element: Vec<u8>,
    number: f64,
    /// By which to compare instead, where there is one.
    text: Option<Vec<u8>>,
}

fn sort(call: &mut Call<'_>, may_store: bool) -> Result<(), CommandError> {
    let mut options = Options::parse(call.op, may_store)?;
    call.keyspace.count_reads(true);
    let keeps_order = options.keeps_order();
    let (elements, is_set) = match call.keyspace.get(&call.op[0]) {
        None => (Vec::new(), false),
        Some(Value::List(list)) => (list.iter().map(<[u8]>::to_vec).collect(), false),
        Some(Value::SortedSet(set)) => {
            let members = set.iter().map(|(member, _)| member.to_vec());
            (members.collect(), false)
        }
        Some(Value::Set(set)) => (set.iter().map(Member::to_vec).collect(), true),
        Some(Value::String(_) | Value::Hash(_)) => return Err(CommandError::WRONG_TYPE),
    };
    // A set has no order of its own that a replica would have as well.
    let sorts_set = keeps_order && is_set && options.store.is_some();
    if sorts_set {
        options.alpha = true;
        options.by = None;
    }
    let mut elements: Vec<Vec<u8>> = elements;
    let part = options.part(elements.len());
    if keeps_order && !sorts_set {
        if options.descending && !is_set {
            elements.reverse();
        }
    } else {
        elements = sorted(call.keyspace, &options, elements)?;
    }
    let chosen = &elements[part];
    let mut found: Vec<Option<Vec<u8>>> = Vec::new();
    for element in chosen {
        if options.get.is_empty() {
            found.push(Some(element.clone()));
        }
        for &pattern in &options.get {
            found.push(if pattern == b"#" {
                Some(element.clone())
            } else {
                let place = Place::of(pattern, element);
                place.and_then(|place| place.read(call.keyspace))
            });
        }
    }
    call.keyspace.count_reads(!may_store);
    if let Some(key) = options.store {
        return store(call, key, &found);
    }
    let reply = &mut call.out.reply;
    reply.array(found.len());
    for value in found {
        match value {
            Some(value) => reply.bulk(&value),
            None => reply.nil(),
        }
    }
    Ok(())
}

fn sorted(
    keyspace: &mut Keyspace,
    options: &Options<'_>,
    elements: Vec<Vec<u8>>,
) -> Result<Vec<Vec<u8>>, CommandError> {
    let mut entries = Vec::with_capacity(elements.len());
    for element in elements {
        let place = options.by.and_then(|by| Place::of(by, &element));
        let read = place.and_then(|place| place.read(keyspace));
        let weight = match options.by {
            Some(_) => read.as_deref(),
            None => Some(element.as_slice()),
        };
        let number = match weight {
            Some(text) if !options.alpha => number::parse_weight(text).ok_or(
                CommandError::fixed("ERR One or more scores can't be converted into double"),
            )?,
            _ => 0.0,
        };
        entries.push(Entry {
            element,
            number,
            text: read,
        });
    }
    let to_store = options.store.is_some();
    entries.sort_by(|a, b| {
        let order = match (options.alpha, options.by) {
            (false, _) => {
                let numbers = a.number.partial_cmp(&b.number);
                let numbers = numbers.expect("a weight is no NaN");
                numbers.then_with(|| a.element.cmp(&b.element))
            }
            (true, None) => texts(&a.element, &b.element, to_store),
            (true, Some(_)) => match (&a.text, &b.text) {
                (Some(a), Some(b)) => texts(a, b, to_store),
                (a, b) => a.is_some().cmp(&b.is_some()),
            },
        };
        if options.descending {
            order.reverse()
        } else {
            order
        }
    });
    Ok(entries.into_iter().map(|entry| entry.element).collect())
}

/// Texts in the order of the C locale. For clients they end at a zero byte, as for `strcoll`; what is
/// stored compares whole.
fn texts(a: &[u8], b: &[u8], whole: bool) -> Ordering {
    let shown = |text| <[u8]>::split(text, |&byte| byte == 0 && !whole).next();
    shown(a).cmp(&shown(b))
}

fn store(call: &mut Call<'_>, key: &[u8], found: &[Option<Vec<u8>>]) -> Result<(), CommandError> {
    let mut list = List::new(call.keyspace.limits().list);
    for value in found {
        list.push_back(value.as_deref().unwrap_or_default());
    }
    if list.is_empty() {
        call.remove(key);
    } else {
        // What was found is told, since where it was found may be another shard's.
        let payload = rdb::write(Value::List(&list));
        call.keyspace
            .put_owned(key, Owned::collection(list), None)?;
        call.notify(Class::List, "sortstore", key);
        let told = Op::new(&super::dump::RESTORE).arg(key).arg("0");
        call.effect(&told.arg(payload).arg("REPLACE").arg("ABSTTL"));
    }
    call.out.reply.int(found.len() as i64);
    Ok(())
}
