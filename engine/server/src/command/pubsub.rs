//! Publishing and subscribing.

#![expect(
    clippy::unnecessary_wraps,
    reason = "a handler has the table's signature, whether it can fail or not"
)]

use std::collections::HashSet;

use seawall_store::command::{CommandError, Flag};
use seawall_store::reply::Protocol;

use super::{Command, Context, Next, help};
use crate::connection::{Client, Subscriptions};
use crate::pubsub::{Published, Topic};
use crate::server::Server;

const SUBSCRIBES: &[Flag] = &[Flag::Pubsub, Flag::Noscript, Flag::Loading, Flag::Stale];
const PUBLISHES: &[Flag] = &[Flag::Pubsub, Flag::Loading, Flag::Stale, Flag::Fast];
const TELLS: &[Flag] = &[Flag::Pubsub, Flag::Loading, Flag::Stale];

/// What a client wants of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Begin,
    End,
}

/// `SUBSCRIBE channel [channel ...]`
pub static SUBSCRIBE: Command = Command::new(
    "subscribe",
    -2,
    SUBSCRIBES,
    "listen to channels",
    |context| listen(context, Topic::Channel, Change::Begin),
);

/// `UNSUBSCRIBE [channel [channel ...]]`
pub static UNSUBSCRIBE: Command = Command::new(
    "unsubscribe",
    -1,
    SUBSCRIBES,
    "stop listening to channels, or to all",
    |context| listen(context, Topic::Channel, Change::End),
);

/// `PSUBSCRIBE pattern [pattern ...]`
pub static PSUBSCRIBE: Command = Command::new(
    "psubscribe",
    -2,
    SUBSCRIBES,
    "listen to channels whose names match",
    |context| listen(context, Topic::Pattern, Change::Begin),
);

/// `PUNSUBSCRIBE [pattern [pattern ...]]`
pub static PUNSUBSCRIBE: Command = Command::new(
    "punsubscribe",
    -1,
    SUBSCRIBES,
    "stop listening to patterns, or to all",
    |context| listen(context, Topic::Pattern, Change::End),
);

/// `SSUBSCRIBE shardchannel [shardchannel ...]`
pub static SSUBSCRIBE: Command = Command::new(
    "ssubscribe",
    -2,
    SUBSCRIBES,
    "listen to shard channels",
    |context| {
        if context.in_transaction {
            return Err(CommandError::fixed(
                "ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client",
            ));
        }
        listen(context, Topic::ShardChannel, Change::Begin)
    },
);

/// `SUNSUBSCRIBE [shardchannel [shardchannel ...]]`
pub static SUNSUBSCRIBE: Command = Command::new(
    "sunsubscribe",
    -1,
    SUBSCRIBES,
    "stop listening to shard channels, or to all",
    |context| listen(context, Topic::ShardChannel, Change::End),
);

/// `PUBLISH channel message`
pub static PUBLISH: Command = Command::new(
    "publish",
    3,
    PUBLISHES,
    "send a message to who listens to a channel",
    |context| {
        let (server, from) = (context.server, &context.client.card);
        let (channel, message) = (&context.args[0], &context.args[1]);
        let published = server.pubsub.publish(server, Some(from), channel, message);
        reply_published(context, &published);
        Ok(())
    },
);

/// `SPUBLISH shardchannel message`
pub static SPUBLISH: Command = Command::new(
    "spublish",
    3,
    PUBLISHES,
    "send a message to who listens to a shard channel",
    |context| {
        let (server, from) = (context.server, &context.client.card);
        let (channel, message) = (&context.args[0], &context.args[1]);
        let published = server
            .pubsub
            .publish_to_shard(server, Some(from), channel, message);
        reply_published(context, &published);
        Ok(())
    },
);

/// `PUBSUB`
pub static PUBSUB: Command = Command {
    subcommands: &[
        &CHANNELS,
        &HELP,
        &NUMPAT,
        &NUMSUB,
        &SHARDCHANNELS,
        &SHARDNUMSUB,
    ],
    ..Command::new("pubsub", -2, &[], "tell who listens to what", |_| Ok(()))
};
static CHANNELS: Command = Command::new(
    "pubsub|channels",
    -2,
    TELLS,
    "the channels that somebody listens to",
    |context| names(context, Topic::Channel),
);
static HELP: Command = help::command("pubsub|help");
static NUMPAT: Command = Command::new(
    "pubsub|numpat",
    2,
    TELLS,
    "how many patterns somebody listens to",
    |context| {
        let patterns = context.server.pubsub.count_of(Topic::Pattern);
        context.reply.int(patterns as i64);
        Ok(())
    },
);
static NUMSUB: Command = Command::new(
    "pubsub|numsub",
    -2,
    TELLS,
    "how many listen to each channel",
    |context| listeners(context, Topic::Channel),
);
static SHARDCHANNELS: Command = Command::new(
    "pubsub|shardchannels",
    -2,
    TELLS,
    "the shard channels that somebody listens to",
    |context| names(context, Topic::ShardChannel),
);
static SHARDNUMSUB: Command = Command::new(
    "pubsub|shardnumsub",
    -2,
    TELLS,
    "how many listen to each shard channel",
    |context| listeners(context, Topic::ShardChannel),
);

/// What a client listens to, of one kind.
fn set_of(subscriptions: &mut Subscriptions, topic: Topic) -> &mut HashSet<Box<[u8]>> {
    match topic {
        Topic::Channel => &mut subscriptions.channels,
        Topic::Pattern => &mut subscriptions.patterns,
        Topic::ShardChannel => &mut subscriptions.shard_channels,
    }
}

/// The number that a client is told: channels and patterns are counted together.
fn count(subscriptions: &Subscriptions, topic: Topic) -> usize {
    match topic {
        Topic::Channel | Topic::Pattern => {
            subscriptions.channels.len() + subscriptions.patterns.len()
        }
        Topic::ShardChannel => subscriptions.shard_channels.len(),
    }
}

/// Begins or ends to listen, as `change` has it.
fn listen(context: &mut Context<'_>, topic: Topic, change: Change) -> Result<(), CommandError> {
    let set = set_of(&mut context.client.subscriptions, topic);
    let names: Vec<Box<[u8]>> = if context.args.is_empty() {
        let mut all: Vec<_> = set.iter().cloned().collect();
        all.sort_unstable();
        all
    } else {
        context.args.iter().map(Box::from).collect()
    };
    for name in &names {
        let (pubsub, card) = (&context.server.pubsub, &context.client.card);
        let set = set_of(&mut context.client.subscriptions, topic);
        match change {
            Change::Begin if set.insert(name.clone()) => pubsub.add(topic, name, card),
            Change::End if set.remove(name) => pubsub.remove(topic, name, card),
            Change::Begin | Change::End => {}
        }
        told(context, topic, Some(name));
    }
    if names.is_empty() {
        told(context, topic, None);
    }
    context.client.show();
    context.next = Next::Pushed;
    Ok(())
}

/// Tells the client what it listens to now, in the word that it asked with.
fn told(context: &mut Context<'_>, topic: Topic, name: Option<&[u8]>) {
    context.reply.push(3);
    context.reply.bulk(context.entry.name().as_bytes());
    match name {
        Some(name) => context.reply.bulk(name),
        None => context.reply.nil(),
    }
    let count = count(&context.client.subscriptions, topic);
    context.reply.int(count as i64);
}

/// Ends everything that `client` listens to: it resets itself, or is gone.
pub fn leave(server: &Server, client: &mut Client) {
    for topic in [Topic::Channel, Topic::Pattern, Topic::ShardChannel] {
        for name in set_of(&mut client.subscriptions, topic).drain() {
            server.pubsub.remove(topic, &name, &client.card);
        }
    }
}

fn reply_published(context: &mut Context<'_>, published: &Published) {
    for frame in &published.to_self {
        context.reply.encoded(match context.client.protocol {
            Protocol::Resp2 => &frame.resp2,
            Protocol::Resp3 => &frame.resp3,
        });
    }
    context.reply.int(published.heard as i64);
}

fn names(context: &mut Context<'_>, topic: Topic) -> Result<(), CommandError> {
    if context.args.len() > 2 {
        return Err(super::unknown_or_wrong(context));
    }
    let names = context.server.pubsub.names(topic, context.args.get(1));
    context.reply.array(names.len());
    for name in &names {
        context.reply.bulk(name);
    }
    Ok(())
}

fn listeners(context: &mut Context<'_>, topic: Topic) -> Result<(), CommandError> {
    context.reply.array((context.args.len() - 1) * 2);
    for name in context.args.iter().skip(1) {
        let listeners = context.server.pubsub.listeners(topic, name);
        context.reply.bulk(name);
        context.reply.int(listeners as i64);
    }
    Ok(())
}
