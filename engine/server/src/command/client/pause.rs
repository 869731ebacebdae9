//! `CLIENT PAUSE` and `CLIENT UNPAUSE`.

use seawall_store::Millis;
use seawall_store::command::CommandError;
use seawall_store::command::number::parse_int;

use crate::command::{Context, unknown_or_wrong};
use crate::mailbox::Message;

/// `CLIENT PAUSE timeout [WRITE | ALL]`
pub(super) fn pause(context: &mut Context<'_>) -> Result<(), CommandError> {
    if context.args.len() > 3 {
        return Err(unknown_or_wrong(context));
    }
    let all = match context
        .args
        .get(2)
        .map(<[u8]>::to_ascii_lowercase)
        .as_deref()
    {
        None | Some(b"all") => true,
        Some(b"write") => false,
        Some(_) => {
            return Err(CommandError::fixed(
                "ERR CLIENT PAUSE mode must be WRITE or ALL",
            ));
        }
    };
    let until = deadline(&context.args[1], context.now)?;
    context.server.pause.begin(until, all, context.now);
    context.reply.ok();
    Ok(())
}

/// `CLIENT UNPAUSE`
pub(super) fn unpause(context: &mut Context<'_>) -> Result<(), CommandError> {
    context.server.pause.end(context.now);
    context.server.tell_all(&Message::Look);
    context.reply.ok();
    Ok(())
}

/// The end of a time in milliseconds from now on, in Redis's words where it is wrong.
pub(in crate::command) fn deadline(text: &[u8], now: Millis) -> Result<Millis, CommandError> {
    let timeout = parse_int(text).ok_or(CommandError::fixed(
        "ERR timeout is not an integer or out of range",
    ))?;
    let timeout =
        u64::try_from(timeout).map_err(|_| CommandError::fixed("ERR timeout is negative"))?;
    let until = now
        .0
        .checked_add(timeout)
        .filter(|&until| i64::try_from(until).is_ok());
    until
        .map(Millis)
        .ok_or(CommandError::fixed("ERR timeout is out of range"))
}
