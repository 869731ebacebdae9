//! `FUNCTION` and `SCRIPT`, as far as a server without scripts answers them: what forgets all of them has
//! nothing to forget, what lists them lists none.

use seawall_store::command::{CommandError, Flag, Flags, Keys};

use super::{Command, Context, Order, help};

const fn command(
    name: &'static str,
    arity: i8,
    flags: &[Flag],
    about: &'static str,
    run: fn(&mut Context<'_>) -> Result<(), CommandError>,
) -> Command {
    Command {
        name,
        arity,
        flags: Flags::of(flags),
        keys: Keys::NONE,
        about,
        subcommands: &[],
        order: Order::AfterAll,
        run,
    }
}

/// `FUNCTION`
pub static FUNCTION: Command = Command {
    subcommands: &[&FUNCTION_FLUSH, &FUNCTION_HELP, &FUNCTION_LIST],
    ..command("function", -2, &[], "functions; there are none", |_| Ok(()))
};
static FUNCTION_FLUSH: Command = command(
    "function|flush",
    -2,
    &[Flag::Write, Flag::Noscript],
    "forget all functions",
    flush,
);
static FUNCTION_HELP: Command = help::command("function|help");
static FUNCTION_LIST: Command = command(
    "function|list",
    -2,
    &[Flag::Noscript],
    "the functions",
    |context| {
        context.reply.array(0);
        Ok(())
    },
);

/// `SCRIPT`
pub static SCRIPT: Command = Command {
    subcommands: &[&SCRIPT_EXISTS, &SCRIPT_FLUSH, &SCRIPT_HELP],
    ..command("script", -2, &[], "scripts; there are none", |_| Ok(()))
};
static SCRIPT_EXISTS: Command = command(
    "script|exists",
    -3,
    &[Flag::Noscript],
    "which of these scripts are known",
    |context| {
        let scripts = context.args.len() - 1;
        context.reply.array(scripts);
        (0..scripts).for_each(|_| context.reply.int(0));
        Ok(())
    },
);
static SCRIPT_FLUSH: Command = command(
    "script|flush",
    -2,
    &[Flag::Noscript],
    "forget all scripts",
    flush,
);
static SCRIPT_HELP: Command = help::command("script|help");

/// `FLUSH [ASYNC | SYNC]`, of either.
fn flush(context: &mut Context<'_>) -> Result<(), CommandError> {
    let is_mode =
        |word: &[u8]| word.eq_ignore_ascii_case(b"async") || word.eq_ignore_ascii_case(b"sync");
    let is_known = context.args.get(1).is_none_or(is_mode) && context.args.len() <= 2;
    if !is_known {
        return Err(CommandError::fixed(
            if context.entry.name() == "function|flush" {
                "ERR FUNCTION FLUSH only supports SYNC|ASYNC option"
            } else {
                "ERR SCRIPT FLUSH only support SYNC|ASYNC option"
            },
        ));
    }
    context.reply.ok();
    Ok(())
}
