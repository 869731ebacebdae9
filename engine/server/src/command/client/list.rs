//! `CLIENT LIST` and `CLIENT INFO`.

use seawall_store::command::{CommandError, number};

use super::{Type, line};
use crate::command::Context;

/// `CLIENT INFO`
pub(super) fn info(context: &mut Context<'_>) -> Result<(), CommandError> {
    context.client.show();
    let text = line(&context.client.card, context.now) + "\n";
    context.reply.verbatim(*b"txt", text.as_bytes());
    Ok(())
}

/// `CLIENT LIST [TYPE type] [ID id [id ...]]`
pub(super) fn list(context: &mut Context<'_>) -> Result<(), CommandError> {
    context.client.show();
    let args: Vec<&[u8]> = context.args.iter().skip(1).collect();
    let clients = &context.server.clients;
    let cards = match args[..] {
        [] => clients.all(),
        [word, kind] if word.eq_ignore_ascii_case(b"type") => {
            let kind = Type::parse(kind)?;
            let mut cards = clients.all();
            cards.retain(|card| Type::of(card) == kind);
            cards
        }
        [word, ref ids @ ..] if word.eq_ignore_ascii_case(b"id") && !ids.is_empty() => {
            let ids: Option<Vec<i64>> = ids.iter().map(|id| number::parse_int(id)).collect();
            let ids = ids.ok_or(CommandError::fixed("ERR Invalid client ID"))?;
            let known = ids.into_iter().filter_map(|id| u64::try_from(id).ok());
            known.filter_map(|id| clients.find(id)).collect()
        }
        _ => return Err(CommandError::SYNTAX),
    };
    let text: String = cards
        .iter()
        .map(|card| line(card, context.now) + "\n")
        .collect();
    context.reply.verbatim(*b"txt", text.as_bytes());
    Ok(())
}
