//! Transactions: what is queued between `MULTI` and `EXEC`, and which keys it hangs on.
//!
//! The connection queues ([`crate::connection`]); here is what these five say themselves.

use seawall_store::command::{CommandError, Flag, Flags, Keys};

use super::{Command, Context, Next, Order};
use crate::connection::Transaction;

const FAST: Flags = Flags::of(&[
    Flag::Noscript,
    Flag::Loading,
    Flag::Stale,
    Flag::Fast,
    Flag::AllowBusy,
]);

/// `MULTI`
pub static MULTI: Command = Command {
    name: "multi",
    arity: 1,
    flags: FAST,
    keys: Keys::NONE,
    about: "queue what follows, for EXEC",
    subcommands: &[],
    order: Order::AtOnce,
    run: multi,
};

/// `EXEC`
pub static EXEC: Command = Command {
    name: "exec",
    arity: 1,
    flags: Flags::of(&[
        Flag::Noscript,
        Flag::Loading,
        Flag::Stale,
        Flag::SkipSlowlog,
    ]),
    keys: Keys::NONE,
    about: "run what MULTI queued, all or nothing",
    subcommands: &[],
    order: Order::AfterAll,
    run: exec,
};

/// `DISCARD`
pub static DISCARD: Command = Command {
    name: "discard",
    arity: 1,
    flags: FAST,
    keys: Keys::NONE,
    about: "forget what MULTI queued",
    subcommands: &[],
    order: Order::AtOnce,
    run: discard,
};

/// `WATCH key [key ...]`
pub static WATCH: Command = Command {
    name: "watch",
    arity: -2,
    flags: FAST,
    keys: Keys::ALL,
    about: "let EXEC do nothing where one of these keys changes before",
    subcommands: &[],
    order: Order::AfterAll,
    run: watch,
};

/// `UNWATCH`
pub static UNWATCH: Command = Command {
    name: "unwatch",
    arity: 1,
    flags: FAST,
    keys: Keys::NONE,
    about: "forget what WATCH said",
    subcommands: &[],
    order: Order::AtOnce,
    run: unwatch,
};

fn multi(context: &mut Context<'_>) -> Result<(), CommandError> {
    if context.client.transaction.is_some() {
        return Err(CommandError::fixed("ERR MULTI calls can not be nested"));
    }
    context.client.transaction = Some(Transaction::default());
    context.reply.ok();
    Ok(())
}

fn exec(context: &mut Context<'_>) -> Result<(), CommandError> {
    if context.client.transaction.is_none() {
        return Err(CommandError::fixed("ERR EXEC without MULTI"));
    }
    context.next = Next::Execute;
    Ok(())
}

fn discard(context: &mut Context<'_>) -> Result<(), CommandError> {
    if context.client.transaction.take().is_none() {
        return Err(CommandError::fixed("ERR DISCARD without MULTI"));
    }
    context.reply.ok();
    context.next = Next::Unwatch;
    Ok(())
}

fn watch(context: &mut Context<'_>) -> Result<(), CommandError> {
    if context.client.transaction.is_some() {
        return Err(CommandError::fixed("ERR WATCH inside MULTI is not allowed"));
    }
    context.next = Next::Watch;
    Ok(())
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "a handler has the table's signature, whether it can fail or not"
)]
fn unwatch(context: &mut Context<'_>) -> Result<(), CommandError> {
    context.reply.ok();
    context.next = Next::Unwatch;
    Ok(())
}
