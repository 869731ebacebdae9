//! `MONITOR`: every command that anybody calls, as it is called.

use std::sync::atomic::Ordering;

use seawall_store::command::{CommandError, Flag, Flags, Keys};

use super::{Command, Context, Order};

/// `MONITOR`
pub static MONITOR: Command = Command {
    name: "monitor",
    arity: 1,
    flags: Flags::of(&[Flag::Admin, Flag::Noscript, Flag::Loading, Flag::Stale]),
    keys: Keys::NONE,
    about: "hear of every command that is called",
    subcommands: &[],
    order: Order::AfterAll,
    run,
};

fn run(context: &mut Context<'_>) -> Result<(), CommandError> {
    if context.in_transaction {
        return Err(CommandError::fixed(
            "ERR MONITOR isn't allowed for DENY BLOCKING client",
        ));
    }
    let card = &context.client.card;
    if !card.monitors.swap(true, Ordering::Relaxed) {
        context.server.monitors.add(card);
    }
    context.reply.ok();
    Ok(())
}
