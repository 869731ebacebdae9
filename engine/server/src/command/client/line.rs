//! A client in one line, as `CLIENT LIST` has it.

use std::fmt::Write;
use std::sync::atomic::Ordering;

use seawall_store::Millis;

use crate::clients::Card;
use crate::command::callable;

/// The client in one line: Redis's fields, in its order.
pub fn line(card: &Card, now: Millis) -> String {
    let heard = Millis(card.heard_ms.get());
    let names = card.names();
    let command = (card.command.get() as usize)
        .checked_sub(1)
        .and_then(|at| callable().get(at));
    let [channels, patterns, shard_channels] = &card.subscriptions;
    let (input, output) = (card.input_bytes.get(), card.output_bytes.get());
    let queued = card.transaction_bytes.get();
    let multi = card.transaction.get() as i64 - 1;
    let mut line = String::new();
    let _ = write!(
        line,
        "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db={} sub={} psub={} ssub={} \
         multi={multi} qbuf={input} qbuf-free=0 argv-mem=0 multi-mem={queued} rbs={output} rbp={output} \
         obl={output} oll=0 omem={output} tot-mem={} events={} cmd={} user=default redir=-1 resp={} \
         lib-name={} lib-ver={}",
        card.id,
        card.peer,
        card.local,
        card.token.index(),
        names.name,
        now.since(card.since) / 1000,
        now.since(heard) / 1000,
        flags(card),
        card.database.get(),
        channels.get(),
        patterns.get(),
        shard_channels.get(),
        card.bytes(),
        if output > 0 { "rw" } else { "r" },
        command.map_or("NULL", |entry| entry.name()),
        card.resp.get(),
        names.library,
        names.library_version,
    );
    line
}

/// The letters of what a client is and does; `N` where nothing is to be said.
fn flags(card: &Card) -> String {
    let listens = card.subscriptions.iter().any(|count| count.get() > 0);
    let letters = [
        ('O', card.monitors.load(Ordering::Relaxed)),
        ('P', listens),
        ('x', card.transaction.get() > 0),
        (
            'b',
            card.blocked.load(Ordering::Relaxed) || card.paused.load(Ordering::Relaxed),
        ),
        ('U', card.peer.ends_with(":0")),
        ('e', card.stays.load(Ordering::Relaxed)),
    ];
    let shown: String = letters
        .iter()
        .filter(|(_, is_so)| *is_so)
        .map(|(letter, _)| letter)
        .collect();
    if shown.is_empty() {
        "N".to_owned()
    } else {
        shown
    }
}
