//! Who listens to which channel: one registry for the whole process.
//!
//! A message is handed to the mailboxes of the workers that have listeners while the registry is held,
//! so all listeners see all messages in one order. The registry knows clients by worker and token; what
//! a client listens to is in its own [`Subscriptions`](crate::connection::Subscriptions) too, which
//! only its worker touches.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indexmap::IndexSet;
use seawall_store::command::glob;

use crate::clients::Card;
use crate::mailbox::{Frame, Message};
use crate::net::Token;
use crate::server::Server;

/// What can be listened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// A channel.
    Channel,
    /// Every channel whose name matches.
    Pattern,
    /// A shard channel: a name space of its own.
    ShardChannel,
}

/// Clients that listen to the same, by worker.
#[derive(Debug, Default)]
struct Audience {
    by_worker: Vec<Group>,
}

#[derive(Debug, Default)]
struct Group {
    tokens: IndexSet<Token, BuildHasherDefault<std::hash::DefaultHasher>>,
    /// The same, as it is put into mailboxes; made when it is first needed.
    shared: Option<Arc<[Token]>>,
}

type Audiences = HashMap<Box<[u8]>, Audience>;

#[derive(Debug, Default)]
struct Registry {
    /// By [`Topic`].
    topics: [Audiences; 3],
}

/// The registry.
#[derive(Debug, Default)]
pub struct PubSub {
    registry: Mutex<Registry>,
    /// How many audiences there are: without any, publishing is nothing.
    audiences: AtomicUsize,
}

impl PubSub {
    /// `card`'s client listens to `name` from now on.
    pub fn add(&self, topic: Topic, name: &[u8], card: &Card) {
        let mut registry = self.lock();
        let audience = registry.topics[topic as usize]
            .entry(name.into())
            .or_default();
        audience.add(card.worker, card.token);
        self.count(&registry);
    }

    /// `card`'s client does not listen to `name` any more.
    pub fn remove(&self, topic: Topic, name: &[u8], card: &Card) {
        let mut registry = self.lock();
        let audiences = &mut registry.topics[topic as usize];
        if let Some(audience) = audiences.get_mut(name) {
            audience.remove(card.worker, card.token);
            if audience.len() == 0 {
                audiences.remove(name);
            }
        }
        self.count(&registry);
    }

    /// Sends `message` to who listens to `channel`.
    pub fn publish(
        &self,
        server: &Server,
        from: Option<&Card>,
        channel: &[u8],
        message: &[u8],
    ) -> Published {
        let mut sending = Sending::new(server, from);
        // Relaxed: whoever subscribed before this message was published has its reply already, which
        // came over the network.
        if self.audiences.load(Ordering::Relaxed) == 0 {
            return sending.published;
        }
        let mut registry = self.lock();
        let [channels, patterns, _] = &mut registry.topics;
        if let Some(audience) = channels.get_mut(channel) {
            sending.send(audience, &[b"message", channel, message]);
        }
        for (pattern, audience) in patterns.iter_mut() {
            if glob::matches(pattern, channel) {
                sending.send(audience, &[b"pmessage", pattern, channel, message]);
            }
        }
        sending.published
    }

    /// Sends `message` to who listens to the shard channel.
    pub fn publish_to_shard(
        &self,
        server: &Server,
        from: Option<&Card>,
        channel: &[u8],
        message: &[u8],
    ) -> Published {
        let mut sending = Sending::new(server, from);
        let mut registry = self.lock();
        if let Some(audience) = registry.topics[Topic::ShardChannel as usize].get_mut(channel) {
            sending.send(audience, &[b"smessage", channel, message]);
        }
        sending.published
    }

    /// The names that somebody listens to, those that match the pattern where one is given.
    pub fn names(&self, topic: Topic, pattern: Option<&[u8]>) -> Vec<Box<[u8]>> {
        let registry = self.lock();
        let names = registry.topics[topic as usize].keys();
        let wanted = names.filter(|name| pattern.is_none_or(|p| glob::matches(p, name)));
        wanted.cloned().collect()
    }

    /// How many clients listen to `name`.
    pub fn listeners(&self, topic: Topic, name: &[u8]) -> usize {
        let registry = self.lock();
        registry.topics[topic as usize]
            .get(name)
            .map_or(0, Audience::len)
    }

    /// How many names of this kind somebody listens to.
    pub fn count_of(&self, topic: Topic) -> usize {
        self.lock().topics[topic as usize].len()
    }

    fn count(&self, registry: &Registry) {
        let audiences = registry.topics.iter().map(HashMap::len).sum();
        self.audiences.store(audiences, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Audience {
    fn add(&mut self, worker: usize, token: Token) {
        if self.by_worker.len() <= worker {
            self.by_worker.resize_with(worker + 1, Group::default);
        }
        let group = &mut self.by_worker[worker];
        group.tokens.insert(token);
        group.shared = None;
    }

    fn remove(&mut self, worker: usize, token: Token) {
        if let Some(group) = self.by_worker.get_mut(worker) {
            group.tokens.swap_remove(&token);
            group.shared = None;
        }
    }

    fn len(&self) -> usize {
        self.by_worker.iter().map(|group| group.tokens.len()).sum()
    }
}

/// What became of a message.
#[derive(Debug, Default)]
pub struct Published {
    /// How many heard it; a client counts for each way in which it listens.
    pub heard: usize,
    /// What the publisher hears itself: it stands before the reply, as Redis has it.
    pub to_self: Vec<Arc<Frame>>,
}

/// A message on its way.
struct Sending<'a> {
    server: &'a Server,
    from: Option<&'a Card>,
    published: Published,
}

impl<'a> Sending<'a> {
    fn new(server: &'a Server, from: Option<&'a Card>) -> Sending<'a> {
        Sending {
            server,
            from,
            published: Published::default(),
        }
    }

    fn send(&mut self, audience: &mut Audience, parts: &[&[u8]]) {
        let frame = Arc::new(Frame::of(|reply| {
            reply.push(parts.len());
            for part in parts {
                reply.bulk(part);
            }
        }));
        for (worker, group) in audience.by_worker.iter_mut().enumerate() {
            self.published.heard += group.tokens.len();
            let tokens = &group.tokens;
            let own = self
                .from
                .filter(|from| from.worker == worker && tokens.contains(&from.token));
            let to: Arc<[Token]> = if let Some(own) = own {
                self.published.to_self.push(Arc::clone(&frame));
                let others = tokens.iter().filter(|token| **token != own.token);
                others.copied().collect()
            } else {
                let all = || tokens.iter().copied().collect();
                Arc::clone(group.shared.get_or_insert_with(all))
            };
            if !to.is_empty() {
                let frame = Arc::clone(&frame);
                self.server.tell(worker, Message::Push { to, frame });
            }
        }
    }
}
