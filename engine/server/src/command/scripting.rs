//! `FUNCTION` and `SCRIPT`, as far as a server without scripts answers them: what forgets all of them has
//! nothing to forget, what lists them lists none.

use seawall_store::command::{CommandError, Flag};

use super::{Command, Context, help};

/// `FUNCTION`
pub static FUNCTION: Command = Command {
    subcommands: &[&FUNCTION_FLUSH, &FUNCTION_HELP, &FUNCTION_LIST],
    ..Command::new("function", -2, &[], "functions; there are none", |_| Ok(()))
};
static FUNCTION_FLUSH: Command = Command::new(
    "function|flush",
    -2,
    &[Flag::Write, Flag::Noscript],
    "forget all functions",
    flush,
);
static FUNCTION_HELP: Command = help::command("function|help");
static FUNCTION_LIST: Command = Command::new(
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
    ..Command::new("script", -2, &[], "scripts; there are none", |_| Ok(()))
};
static SCRIPT_EXISTS: Command = Command::new(
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
static SCRIPT_FLUSH: Command = Command::new(
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
