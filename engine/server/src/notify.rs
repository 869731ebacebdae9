//! Keyspace notifications: what happened to keys, published.
//!
//! Shards collect the events that the classes of `notify-keyspace-events` ask for; each worker publishes
//! those of its own shards once a turn. They are messages like others: who is not there misses them.

use std::sync::{PoisonError, RwLock};

use seawall_store::event::{Class, Classes, Event};

use crate::config::Refused;
use crate::server::Server;

/// The classes of events that are published.
#[derive(Debug, Default)]
pub struct Notifications {
    classes: RwLock<Classes>,
}

impl Notifications {
    /// The classes.
    pub fn classes(&self) -> Classes {
        *self.classes.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the classes. Shards must be told as well.
    pub fn set(&self, classes: Classes) {
        *self.classes.write().unwrap_or_else(PoisonError::into_inner) = classes;
    }
}

/// Publishes an event, to the key's channel, to the event's, or to both.
pub fn publish(server: &Server, event: &Event) {
    let classes = server.notifications.classes();
    let channel = |kind: &str, name: &[u8]| {
        let mut channel = format!("__{kind}@{}__:", event.database).into_bytes();
        channel.extend_from_slice(name);
        channel
    };
    if classes.has(Class::Keyspace) {
        let channel = channel("keyspace", &event.key);
        let name = event.name.as_bytes();
        server.pubsub.publish(server, None, &channel, name);
    }
    if classes.has(Class::Keyevent) {
        let channel = channel("keyevent", event.name.as_bytes());
        server.pubsub.publish(server, None, &channel, &event.key);
    }
}

/// `notify-keyspace-events` in its canonical form.
///
/// # Errors
/// A letter is unknown.
pub fn read(_before: &str, text: &str) -> Result<String, Refused> {
    Classes::parse(text)
        .map(|classes| classes.to_string())
        .ok_or_else(|| Refused("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.".to_owned()))
}
