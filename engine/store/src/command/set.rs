//! Setting strings: `SET` with its options, its older forms, and several at once.

use smallvec::SmallVec;

use super::expiry::When;
use super::key::DEL;
use super::{Call, Command, CommandError, Flag, Flags, Keys, string};
use crate::event::Class;
use crate::keyspace::{Expire, Sought};
use crate::op::Op;
use crate::time::Millis;

/// How many keys are fetched for at once.
const TOGETHER: usize = 32;

/// `SET key value [NX | XX] [GET] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]`
pub static SET: Command = Command {
    name: "set",
    arity: -3,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom]),
    keys: Keys::ONE,
    about: "set a string, and when it expires",
    run: set,
};

/// The key and the value of a `SET` without options.
#[inline]
pub(crate) fn plain(op: &Op) -> Option<(&[u8], &[u8])> {
    if !std::ptr::eq(op.command(), &raw const SET) || op.len() != 2 {
        return None;
    }
    op.get(0).zip(op.get(1))
}

/// `SETNX key value`
pub static SETNX: Command = Command {
    name: "setnx",
    arity: 3,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom, Flag::Fast]),
    keys: Keys::ONE,
    about: "set a string where there is no key",
    run: setnx,
};

/// `SETEX key seconds value`
pub static SETEX: Command = Command {
    name: "setex",
    arity: 4,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom]),
    keys: Keys::ONE,
    about: "set a string that expires in seconds",
    run: |call| set_expiring(call, When::seconds_from_now, "setex"),
};

/// `PSETEX key milliseconds value`
pub static PSETEX: Command = Command {
    name: "psetex",
    arity: 4,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom]),
    keys: Keys::ONE,
    about: "set a string that expires in milliseconds",
    run: |call| set_expiring(call, When::millis_from_now, "psetex"),
};

/// `MSET key value [key value ...]`
pub static MSET: Command = Command {
    name: "mset",
    arity: -3,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom]),
    keys: Keys::PAIRS,
    about: "set several strings",
    run: mset,
};

/// `MSETNX key value [key value ...]`
pub static MSETNX: Command = Command {
    name: "msetnx",
    arity: -3,
    flags: Flags::of(&[Flag::Write, Flag::Denyoom]),
    keys: Keys::PAIRS,
    about: "set several strings where none of the keys is there",
    run: msetnx,
};

/// The options of `SET` or `GETEX`.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "one for each word")]
pub(super) struct Options<'a> {
    only_new: bool,
    only_old: bool,
    get: bool,
    keep: bool,
    pub(super) persist: bool,
    pub(super) expire: Option<When<'a>>,
}

/// Whose options are read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Accepts {
    /// `SET`: all but `PERSIST`.
    Set,
    /// `GETEX`: expiry and `PERSIST`.
    Getex,
}

impl<'a> Options<'a> {
    /// Reads the options from argument `from` on.
    pub(super) fn parse(
        op: &'a Op,
        from: usize,
        accepts: Accepts,
    ) -> Result<Options<'a>, CommandError> {
        let set = accepts == Accepts::Set;
        let mut options = Options::default();
        let mut i = from;
        while let Some(word) = op.get(i) {
            let free = !options.keep && !options.persist;
            match word.to_ascii_lowercase().as_slice() {
                b"nx" if set && !options.only_old => options.only_new = true,
                b"xx" if set && !options.only_new => options.only_old = true,
                b"get" if set => options.get = true,
                b"keepttl" if set && options.expire.is_none() => options.keep = true,
                b"persist" if !set && options.expire.is_none() => options.persist = true,
                unit if free => {
                    let make = match unit {
                        b"ex" => When::seconds_from_now,
                        b"px" => When::millis_from_now,
                        b"exat" => When::seconds,
                        b"pxat" => When::millis,
                        _ => return Err(CommandError::SYNTAX),
                    };
                    i += 1;
                    let when = make(op.get(i).ok_or(CommandError::SYNTAX)?);
                    // The same unit again replaces the time, as in Redis.
                    if options.expire.is_some_and(|old| !old.same_unit(when)) {
                        return Err(CommandError::SYNTAX);
                    }
                    options.expire = Some(when);
                }
                _ => return Err(CommandError::SYNTAX),
            }
            i += 1;
        }
        Ok(options)
    }
}

fn set(call: &mut Call<'_>) -> Result<(), CommandError> {
    let (key, value) = (&call.op[0], &call.op[1]);
    if call.op.len() == 2 {
        call.keyspace.set_string(key, value, Expire::Never)?;
        call.notify(Class::String, "set", key);
        call.propagate();
        call.out.reply.ok();
        return Ok(());
    }
    let options = Options::parse(call.op, 2, Accepts::Set)?;
    let expire = match options.expire {
        Some(when) => Expire::At(when.resolve(call.now, "set")?),
        None if options.keep => Expire::Keep,
        None => Expire::Never,
    };
    if options.get {
        string::get(call)?;
    }
    if options.only_new || options.only_old {
        let found = call.keyspace.kind(key).is_some();
        if found == options.only_new {
            if !options.get {
                call.out.reply.nil();
            }
            return Ok(());
        }
    }
    store(call, key, value, expire)?;
    if !options.get {
        call.out.reply.ok();
    }
    Ok(())
}

fn setnx(call: &mut Call<'_>) -> Result<(), CommandError> {
    let (key, value) = (&call.op[0], &call.op[1]);
    let free = call.keyspace.kind(key).is_none();
    if free {
        store(call, key, value, Expire::Never)?;
    }
    call.out.reply.int(i64::from(free));
    Ok(())
}

fn set_expiring<'a>(
    call: &mut Call<'a>,
    when: fn(&'a [u8]) -> When<'a>,
    name: &str,
) -> Result<(), CommandError> {
    let at = when(&call.op[1]).resolve(call.now, name)?;
    store(call, &call.op[0], &call.op[2], Expire::At(at))?;
    call.out.reply.ok();
    Ok(())
}

/// Sets a string and tells it as `SET`. With a time that has passed the key is gone at once.
fn store(
    call: &mut Call<'_>,
    key: &[u8],
    value: &[u8],
    expire: Expire,
) -> Result<(), CommandError> {
    if let Expire::At(at) = expire
        && at <= call.now
    {
        if call.keyspace.remove(key) {
            call.effect(&Op::new(&DEL).arg(key));
        } else {
            call.notify(Class::New, "new", key);
        }
        call.notify(Class::String, "set", key);
        call.notify(Class::Generic, "expire", key);
        call.notify(Class::Expired, "expired", key);
        return Ok(());
    }
    call.keyspace.set_string(key, value, expire)?;
    call.notify(Class::String, "set", key);
    if let Expire::At(_) = expire {
        call.notify(Class::Generic, "expire", key);
    }
    match expire {
        Expire::Never => call.effect_words(&SET, &[key, value]),
        Expire::Keep => call.effect_words(&SET, &[key, value, b"KEEPTTL"]),
        Expire::At(Millis(at)) => {
            let mut digits = itoa::Buffer::new();
            let at = digits.format(at).as_bytes();
            call.effect_words(&SET, &[key, value, b"PXAT", at]);
        }
    }
    Ok(())
}

fn mset(call: &mut Call<'_>) -> Result<(), CommandError> {
    check_pairs(call)?;
    set_pairs(call)?;
    call.out.reply.ok();
    Ok(())
}

fn msetnx(call: &mut Call<'_>) -> Result<(), CommandError> {
    check_pairs(call)?;
    let free = call.op.keys().all(|key| call.keyspace.kind(key).is_none());
    if free {
        set_pairs(call)?;
    }
    call.out.reply.int(i64::from(free));
    Ok(())
}

fn check_pairs(call: &Call<'_>) -> Result<(), CommandError> {
    if call.op.len().is_multiple_of(2) {
        Ok(())
    } else {
        Err(CommandError::arity(call.op.command()))
    }
}

fn set_pairs(call: &mut Call<'_>) -> Result<(), CommandError> {
    let op = call.op;
    let (mut set, mut result) = (0, Ok(()));
    while set < op.len() && result.is_ok() {
        let end = op.len().min(set + 2 * TOGETHER);
        let keys = (set..end).step_by(2).map(|at| &op[at]);
        let mut sought: SmallVec<[Sought; TOGETHER]> = keys
            .map(|key| call.keyspace.seek(op.database(), key))
            .collect();
        for sought in &mut sought {
            call.keyspace.approach(sought);
        }
        for sought in sought {
            let (key, value) = (&op[set], &op[set + 1]);
            call.keyspace.foresee(key, sought);
            result = call.keyspace.set_string(key, value, Expire::Never);
            if result.is_err() {
                break;
            }
            call.notify(Class::String, "set", key);
            set += 2;
        }
    }
    // What was set before memory ran out stays set, so it is told.
    if set == op.len() && std::ptr::eq(op.command(), &raw const MSET) {
        call.propagate();
    } else if set > 0 {
        call.effect(&op.args().take(set).fold(Op::new(&MSET), Op::arg));
    }
    result
}
