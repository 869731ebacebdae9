//! `WAITAOF`: waiting until what a client wrote is durable. A command of Redis 7.2's.
//!
//! It waits for a sync and asks for none, as there: under `appendfsync no`, where the system syncs when it thinks fit
//! and tells nobody, it may wait for its time, and without one for ever.

use seawall_store::command::{CommandError, Flag, number};
use seawall_store::store::Until;

use super::client::deadline;
use super::{Command, Context, Next};

/// `WAITAOF numlocal numreplicas timeout`
pub static WAITAOF: Command = Command::new(
    "waitaof",
    4,
    &[Flag::Noscript],
    "wait until the log has on its disk what this client wrote",
    waitaof,
);

fn waitaof(context: &mut Context<'_>) -> Result<(), CommandError> {
    let local = number::int(&context.args[0])?;
    if !(0..=1).contains(&local) {
        return Err(CommandError::fixed(
            "ERR value is out of range, value must between 0 and 1",
        ));
    }
    let replicas = number::int(&context.args[1])?;
    if replicas < 0 {
        return Err(CommandError::fixed(
            "ERR value is out of range, must be positive",
        ));
    }
    let until = deadline(&context.args[2], context.now)?;
    let appends = context.server.settings.now().yes("appendonly");
    if local == 1 && !appends {
        return Err(CommandError::fixed(
            "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.",
        ));
    }
    if context.in_transaction || !appends && replicas == 0 {
        // Nothing is waited for, and of what the transaction itself wrote nothing is known.
        context.reply.array(2);
        context.reply.int(0);
        context.reply.int(0);
        return Ok(());
    }
    context.next = Next::Durable {
        // A time of 0 has no end.
        until: (until > context.now).then_some(until),
        told: match (replicas, local) {
            (0, 0) => Until::Now,
            (0, _) => Until::Durable,
            // There are none: it waits for its time.
            _ => Until::GivenUp,
        },
    };
    Ok(())
}
