//! What is refused before it runs or is queued, in the order in which Redis looks.

use seawall_store::Store;
use seawall_store::command::{CommandError, Flag};
use seawall_store::reply::Protocol;

use super::Client;
use crate::command::Entry;
use crate::limits::Limits;

/// What a subscriber of RESP2 may call.
const SUBSCRIBERS_MAY: [&str; 9] = [
    "ping",
    "subscribe",
    "psubscribe",
    "ssubscribe",
    "unsubscribe",
    "punsubscribe",
    "sunsubscribe",
    "quit",
    "reset",
];

/// Why `client` may not call `entry` now.
pub fn refusal(
    client: &Client,
    entry: &Entry,
    limits: &Limits,
    store: &Store,
) -> Option<CommandError> {
    if client.is_stranger(limits) && !entry.flags().has(Flag::NoAuth) {
        return Some(CommandError::fixed("NOAUTH Authentication required."));
    }
    if client.transaction.is_some() && entry.flags().has(Flag::NoMulti) {
        return Some(CommandError::fixed(
            "ERR Command not allowed inside a transaction",
        ));
    }
    let is_bound = client.is_subscriber() && client.protocol == Protocol::Resp2;
    if is_bound && !SUBSCRIBERS_MAY.contains(&entry.name()) {
        return Some(CommandError::new(format!(
            "ERR Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET \
             are allowed in this context",
            entry.name()
        )));
    }
    if entry.flags().has(Flag::NoAsyncLoading) && store.is_loading() {
        return Some(CommandError::LOADING);
    }
    None
}

/// Whether a command runs inside `MULTI` instead of being queued.
pub fn runs_at_once(entry: &Entry) -> bool {
    ["exec", "discard", "multi", "watch", "quit", "reset"].contains(&entry.name())
}
