//! `INFO`.

use seawall_store::command::{CommandError, Flag, Flags, Keys};

use super::{Command, Context, Order};
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
    run,
};

fn run(context: &mut Context<'_>) -> Result<(), CommandError> {
    let figures = Figures::collect(context)?;
    let settings = context.server.settings.now();
    let words: Vec<&[u8]> = context.args.iter().collect();
    let facts = info::Facts {
        server: context.server,
        figures: &figures,
        settings: &settings,
        now: context.now,
    };
    let text = info::text(&words, &facts);
    context.reply.verbatim(*b"txt", text.as_bytes());
    Ok(())
}
