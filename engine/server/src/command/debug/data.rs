//! `DEBUG` of data: digests, how a key is kept, keys to fill a store with, a reload in place.

use seawall_store::command::{CommandError, debug, number, set};
use seawall_store::digest::Digest;
use seawall_store::{Op, Reply};

use super::super::{Context, Next};
use crate::figures::Figures;

/// `DEBUG DIGEST`
pub(super) fn digest(context: &mut Context<'_>) -> Result<(), CommandError> {
    let sums = match context.store.execute(&Op::new(&debug::DIGEST)) {
        Reply::Array(sums) => sums,
        Reply::Error(words) => return Err(CommandError::new(words)),
        _ => Vec::new(),
    };
    let digests = sums.iter().zip(0..).filter_map(|(sum, number)| match sum {
        Reply::Bulk(bytes) => Some((number, Digest::from_bytes(bytes)?)),
        _ => None,
    });
    let digest = Digest::of_databases(digests);
    context.reply.simple(&digest.to_string());
    Ok(())
}

/// `DEBUG DIGEST-VALUE [key ...]`
pub(super) fn digest_value(context: &mut Context<'_>, keys: &[&[u8]]) {
    if keys.is_empty() {
        return context.reply.array(0);
    }
    let op = Op::new(&debug::DIGEST_VALUE);
    context.next = Next::Forward(keys.iter().fold(op, Op::arg));
}

/// `DEBUG OBJECT key`
pub(super) fn object(context: &mut Context<'_>, key: &[u8]) {
    context.next = Next::Forward(Op::new(&debug::OBJECT).arg(key));
}

/// `DEBUG LISTPACK | QUICKLIST | HTSTATS-KEY key`
pub(super) fn layout(context: &mut Context<'_>, kind: &str, key: &[u8]) {
    context.next = Next::Forward(Op::new(&debug::LAYOUT).arg(key).arg(kind));
}

/// `DEBUG RELOAD` and `DEBUG LOADAOF`
pub(super) fn reload(context: &mut Context<'_>, through_log: bool) {
    let op = Op::new(&debug::RELOAD);
    context.next = Next::Forward(if through_log { op.arg("LOG") } else { op });
}

/// `DEBUG POPULATE count [prefix] [size]`
pub(super) fn populate(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), CommandError> {
    let positive = |word: &[u8]| {
        number::parse_int(word)
            .and_then(|n| usize::try_from(n).ok())
            .ok_or(CommandError::fixed(
                "ERR value is out of range, must be positive",
            ))
    };
    let count = positive(args[0])?;
    let prefix = args.get(1).copied().unwrap_or(b"key");
    let bytes = args.get(2).map_or(Ok(0), |size| positive(size))?;
    if bytes > seawall_store::keyspace::BULK_BYTES_MAX {
        return Err(CommandError::fixed(
            "ERR value is out of range, must be positive",
        ));
    }
    let database = context.client.database;
    let mut refused = None;
    for n in 0..count {
        let mut value = format!("value:{n}").into_bytes();
        if bytes > 0 {
            value.resize(bytes, 0);
        }
        let key = [prefix, format!(":{n}").as_bytes()].concat();
        // What is there stays.
        let op = Op::new(&set::SET).arg(key).arg(value).arg("NX");
        context.store.submit(&op.within(database));
        context.store.ready(|reply| note(&mut refused, reply));
        if refused.is_some() {
            break;
        }
    }
    context.store.complete(|reply| note(&mut refused, reply));
    if let Some(error) = refused {
        return Err(error);
    }
    context.reply.ok();
    Ok(())
}

fn note(refused: &mut Option<CommandError>, reply: Reply) {
    if let Reply::Error(words) = reply {
        refused.get_or_insert(CommandError::new(words));
    }
}

/// `DEBUG HTSTATS dbid`
pub(super) fn table(context: &mut Context<'_>, database: &[u8]) -> Result<(), CommandError> {
    number::int(database)?;
    context.next = Next::Inquire(tell_table);
    Ok(())
}

fn tell_table(context: &mut Context<'_>, figures: &Figures) -> Result<(), CommandError> {
    let number = number::int(&context.args[1])?;
    let found = usize::try_from(number)
        .ok()
        .and_then(|number| figures.databases.get(number));
    let found = found.ok_or(CommandError::fixed("ERR Out of range database"))?;
    // One index holds the keys of all databases, and when they expire.
    let text = format!(
        "[Dictionary HT]\nHash table 0 stats (main hash table):\n number of elements: {}\n \
         bytes of the index, for all databases: {}\n\
         [Expires HT]\nHash table 0 stats (main hash table):\n number of elements: {}\n",
        found.keys, figures.index_bytes, found.expires
    );
    context.reply.verbatim(*b"txt", text.as_bytes());
    Ok(())
}
