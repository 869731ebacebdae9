//! `CLIENT KILL`: by address, or by what a client is.

use seawall_store::command::CommandError;

use super::{Type, client_id};
use crate::clients::Card;
use crate::command::Context;
use crate::mailbox::Message;

/// Which clients are meant: those of whom all that is given is so.
#[derive(Debug, Default)]
struct Filter {
    id: Option<u64>,
    kind: Option<Type>,
    peer: Option<String>,
    local: Option<String>,
    /// Whether whoever asks may be meant.
    own: bool,
}

impl Filter {
    fn parse(args: &[&[u8]]) -> Result<Filter, CommandError> {
        let mut filter = Filter::default();
        let (pairs, rest) = args.as_chunks::<2>();
        for [word, value] in pairs {
            let text = || String::from_utf8_lossy(value).into_owned();
            match word.to_ascii_lowercase().as_slice() {
                b"id" => {
                    let id = client_id(value);
                    filter.id = Some(id.ok_or(CommandError::fixed(
                        "ERR client-id should be greater than 0",
                    ))?);
                }
                b"type" => filter.kind = Some(Type::parse(value)?),
                b"addr" => filter.peer = Some(text()),
                b"laddr" => filter.local = Some(text()),
                // There is one user.
                b"user" if *value == b"default" => {}
                b"user" => {
                    return Err(CommandError::new(format!("ERR No such user '{}'", text())));
                }
                b"skipme" if value.eq_ignore_ascii_case(b"yes") => filter.own = false,
                b"skipme" if value.eq_ignore_ascii_case(b"no") => filter.own = true,
                _ => return Err(CommandError::SYNTAX),
            }
        }
        if !rest.is_empty() {
            return Err(CommandError::SYNTAX);
        }
        Ok(filter)
    }

    fn means(&self, card: &Card, own: u64) -> bool {
        self.id.is_none_or(|id| id == card.id)
            && self.kind.is_none_or(|kind| kind == Type::of(card))
            && self.peer.as_ref().is_none_or(|peer| *peer == card.peer)
            && self.local.as_ref().is_none_or(|local| *local == card.local)
            && (self.own || card.id != own)
    }
}

/// `CLIENT KILL address`, or `CLIENT KILL option value [option value ...]`
pub(super) fn kill(context: &mut Context<'_>) -> Result<(), CommandError> {
    let args: Vec<&[u8]> = context.args.iter().skip(1).collect();
    let by_address = args.len() == 1;
    let filter = if by_address {
        Filter {
            peer: Some(String::from_utf8_lossy(args[0]).into_owned()),
            own: true,
            ..Filter::default()
        }
    } else {
        Filter::parse(&args)?
    };
    let own = context.client.card.id;
    let mut killed = 0;
    for card in context.server.clients.all() {
        if !filter.means(&card, own) {
            continue;
        }
        killed += 1;
        if card.id == own {
            // It hears the answer first.
            context.client.closing = true;
        } else {
            context.server.tell(card.worker, Message::Kill(card.token));
            // Its worker closes it when it reads this; whoever asks who is there is told so at once.
            context.server.clients.leave(card.id);
        }
    }
    match (by_address, killed) {
        (false, _) => context.reply.int(killed),
        (true, 0) => return Err(CommandError::fixed("ERR No such client")),
        (true, _) => context.reply.ok(),
    }
    Ok(())
}
