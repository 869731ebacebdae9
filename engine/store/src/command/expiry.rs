//! Expiry: when a key goes by itself.
//!
//! The store keeps absolute milliseconds. A time that has passed already deletes the key at once, and
//! what is told to log and replicas is always absolute: `PEXPIREAT` or `DEL`.

#![expect(
    clippy::unnecessary_wraps,
    reason = "a handler has the table's signature, whether it can fail or not"
)]

use super::{Call, Command, CommandError, Flag, Flags, Keys, number};
use crate::event::Class;
use crate::op::Op;
use crate::time::Millis;

/// `EXPIRE key seconds [NX | XX | GT | LT]`
pub static EXPIRE: Command = Command {
    name: "expire",
    arity: -3,
    flags: Flags::of(&[Flag::Write, Flag::Fast]),
    keys: Keys::ONE,
    about: "let a key expire in seconds",
    run: |call| expire(call, When::seconds_from_now, "expire"),
};

/// `PEXPIRE key milliseconds [NX | XX | GT | LT]`
pub static PEXPIRE: Command = Command {
    name: "pexpire",
    arity: -3,
    flags: Flags::of(&[Flag::Write, Flag::Fast]),
    keys: Keys::ONE,
    about: "let a key expire in milliseconds",
    run: |call| expire(call, When::millis_from_now, "pexpire"),
};

/// `EXPIREAT key unix-time-seconds [NX | XX | GT | LT]`
pub static EXPIREAT: Command = Command {
    name: "expireat",
    arity: -3,
    flags: Flags::of(&[Flag::Write, Flag::Fast]),
    keys: Keys::ONE,
    about: "let a key expire at a time in seconds",
    run: |call| expire(call, When::seconds, "expireat"),
};

/// `PEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT]`
pub static PEXPIREAT: Command = Command {
    name: "pexpireat",
    arity: -3,
    flags: Flags::of(&[Flag::Write, Flag::Fast]),
    keys: Keys::ONE,
    about: "let a key expire at a time in milliseconds",
    run: |call| expire(call, When::millis, "pexpireat"),
};

/// `TTL key`
pub static TTL: Command = Command {
    name: "ttl",
    arity: 2,
    flags: Flags::of(&[Flag::Readonly, Flag::Fast]),
    keys: Keys::ONE,
    about: "the seconds until a key expires",
    run: |call| tell(call, |at, now| (at.since(now) + 500) / 1000),
};

/// `PTTL key`
pub static PTTL: Command = Command {
    name: "pttl",
    arity: 2,
    flags: Flags::of(&[Flag::Readonly, Flag::Fast]),
    keys: Keys::ONE,
    about: "the milliseconds until a key expires",
    run: |call| tell(call, Millis::since),
};

/// `EXPIRETIME key`
pub static EXPIRETIME: Command = Command {
    name: "expiretime",
    arity: 2,
    flags: Flags::of(&[Flag::Readonly, Flag::Fast]),
    keys: Keys::ONE,
    about: "when a key expires, in seconds",
    run: |call| tell(call, |at, _| (at.0 + 500) / 1000),
};

/// `PEXPIRETIME key`
pub static PEXPIRETIME: Command = Command {
    name: "pexpiretime",
    arity: 2,
    flags: Flags::of(&[Flag::Readonly, Flag::Fast]),
    keys: Keys::ONE,
    about: "when a key expires, in milliseconds",
    run: |call| tell(call, |at, _| at.0),
};

/// `PERSIST key`
pub static PERSIST: Command = Command {
    name: "persist",
    arity: 2,
    flags: Flags::of(&[Flag::Write, Flag::Fast]),
    keys: Keys::ONE,
    about: "let a key never expire",
    run: persist,
};

/// A time of expiry as an argument gives it, not yet read as a number.
#[derive(Clone, Copy)]
pub(super) struct When<'a> {
    text: &'a [u8],
    unit_ms: i64,
    relative: bool,
}

impl<'a> When<'a> {
    /// Seconds from now (`EX`).
    pub(super) fn seconds_from_now(text: &'a [u8]) -> When<'a> {
        When {
            text,
            unit_ms: 1000,
            relative: true,
        }
    }

    /// Milliseconds from now (`PX`).
    pub(super) fn millis_from_now(text: &'a [u8]) -> When<'a> {
        When {
            text,
            unit_ms: 1,
            relative: true,
        }
    }

    /// Seconds since the epoch (`EXAT`).
    pub(super) fn seconds(text: &'a [u8]) -> When<'a> {
        When {
            text,
            unit_ms: 1000,
            relative: false,
        }
    }

    /// Milliseconds since the epoch (`PXAT`).
    pub(super) fn millis(text: &'a [u8]) -> When<'a> {
        When {
            text,
            unit_ms: 1,
            relative: false,
        }
    }

    /// Whether both count the same unit from the same beginning.
    pub(super) fn same_unit(self, other: When<'_>) -> bool {
        (self.unit_ms, self.relative) == (other.unit_ms, other.relative)
    }

    /// The time for commands that set a value: it must be positive.
    pub(super) fn resolve(self, now: Millis, command: &str) -> Result<Millis, CommandError> {
        let given = number::int(self.text)?;
        let at = if given > 0 {
            self.absolute(given, now)
        } else {
            None
        };
        let at = at.and_then(|at| u64::try_from(at).ok());
        at.map(Millis).ok_or_else(|| invalid(command))
    }

    /// The time for `EXPIRE` and its kin, where it may lie in the past and before the epoch.
    fn resolve_signed(self, now: Millis, command: &str) -> Result<i64, CommandError> {
        let given = number::int(self.text)?;
        self.absolute(given, now).ok_or_else(|| invalid(command))
    }

    fn absolute(self, given: i64, now: Millis) -> Option<i64> {
        let base = if self.relative {
            i64::try_from(now.0).ok()?
        } else {
            0
        };
        given.checked_mul(self.unit_ms)?.checked_add(base)
    }
}

fn invalid(command: &str) -> CommandError {
    CommandError::new(format!("ERR invalid expire time in '{command}' command"))
}

/// When `EXPIRE` applies.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "one for each word")]
struct Condition {
    nx: bool,
    xx: bool,
    gt: bool,
    lt: bool,
}

impl Condition {
    fn parse(op: &Op) -> Result<Condition, CommandError> {
        let mut given = Condition::default();
        for word in op.args().skip(2) {
            match word.to_ascii_lowercase().as_slice() {
                b"nx" => given.nx = true,
                b"xx" => given.xx = true,
                b"gt" => given.gt = true,
                b"lt" => given.lt = true,
                _ => {
                    return Err(CommandError::new(format!(
                        "ERR Unsupported option {}",
                        String::from_utf8_lossy(word)
                    )));
                }
            }
        }
        if given.nx && (given.xx || given.gt || given.lt) {
            return Err(CommandError::new(
                "ERR NX and XX, GT or LT options at the same time are not compatible",
            ));
        }
        if given.gt && given.lt {
            return Err(CommandError::new(
                "ERR GT and LT options at the same time are not compatible",
            ));
        }
        Ok(given)
    }

    /// Whether a key that expires at `old` (`None`: never, later than any time) gets `new`.
    fn holds(&self, old: Option<Millis>, new: i64) -> bool {
        let old_ms = old.map(|at| i64::try_from(at.0).unwrap_or(i64::MAX));
        !(self.nx && old.is_some()
            || self.xx && old.is_none()
            || self.gt && old_ms.is_none_or(|old| new <= old)
            || self.lt && old_ms.is_some_and(|old| new >= old))
    }
}

fn expire<'a>(
    call: &mut Call<'a>,
    when: fn(&'a [u8]) -> When<'a>,
    name: &str,
) -> Result<(), CommandError> {
    let key = &call.op[0];
    let condition = Condition::parse(call.op)?;
    let at = when(&call.op[1]).resolve_signed(call.now, name)?;
    let set = match call.keyspace.expires_at(key) {
        Some(old) if condition.holds(old, at) => {
            // A time before the epoch has passed as surely as the epoch itself.
            call.expire_at(key, Millis(u64::try_from(at).unwrap_or(0)));
            true
        }
        _ => false,
    };
    call.out.reply.int(i64::from(set));
    Ok(())
}

fn tell(call: &mut Call<'_>, of: fn(Millis, Millis) -> u64) -> Result<(), CommandError> {
    let answer = match call.keyspace.expires_at(&call.op[0]) {
        None => -2,
        Some(None) => -1,
        Some(Some(at)) => of(at, call.now) as i64,
    };
    call.out.reply.int(answer);
    Ok(())
}

fn persist(call: &mut Call<'_>) -> Result<(), CommandError> {
    let key = &call.op[0];
    let expires = matches!(call.keyspace.expires_at(key), Some(Some(_)));
    if expires {
        call.persist(key);
    }
    call.out.reply.int(i64::from(expires));
    Ok(())
}

impl Call<'_> {
    /// Lets `key`, which is there, expire at `at`, and tells it; removes it where that has passed.
    pub(super) fn expire_at(&mut self, key: &[u8], at: Millis) {
        if at <= self.now {
            self.remove(key);
        } else {
            self.keyspace.set_expires_at(key, Some(at));
            self.notify(Class::Generic, "expire", key);
            let mut digits = itoa::Buffer::new();
            self.effect_words(&PEXPIREAT, &[key, digits.format(at.0).as_bytes()]);
        }
    }

    /// Lets `key`, which is there, never expire, and tells it.
    pub(super) fn persist(&mut self, key: &[u8]) {
        self.keyspace.set_expires_at(key, None);
        self.notify(Class::Generic, "persist", key);
        self.effect(&Op::new(&PERSIST).arg(key));
    }
}
