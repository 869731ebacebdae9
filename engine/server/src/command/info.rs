//! `INFO`: asks the shards, and tells what the server says of itself when they have told.

#![expect(
    clippy::unnecessary_wraps,
    reason = "a handler has the table's signature, whether it can fail or not"
)]

use seawall_store::command::{CommandError, Flag, Flags, Keys};

use super::{Command, Context, Next, Order};
use crate::figures::Figures;
use crate::info;

/// `INFO [section [section ...]]`
pub static INFO: Command = Command {
    name: "info",
    arity: -1,
    flags: Flags::of(&[Flag::Loading, Flag::Stale]),
    keys: Keys::NONE,
    about: "what the server says of itself",
    subcommands: &[],
    order: Order::AfterAll,
    run: |context| {
        context.next = Next::Inquire(tell);
        Ok(())
    },
};

fn tell(context: &mut Context<'_>, figures: &Figures) -> Result<(), CommandError> {
    let settings = context.server.settings.now();
    let words: Vec<&[u8]> = context.args.iter().collect();
    let facts = info::Facts {
        server: context.server,
        figures,
        settings: &settings,
        now: context.now,
    };
    let text = info::text(&words, &facts);
    context.reply.verbatim(*b"txt", text.as_bytes());
    Ok(())
}
