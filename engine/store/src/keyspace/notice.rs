//! Keyspace notifications, as far as the keyspace knows of them: what it removes and makes by itself.

use super::Keyspace;
use crate::event::{Class, Classes, Event};

impl Keyspace {
    /// Which events are collected from now on.
    pub fn set_notify(&mut self, classes: Classes) {
        self.notify = classes;
    }

    /// Notes an event, where somebody may listen.
    #[inline]
    pub fn notify(&mut self, class: Class, name: &'static str, key: &[u8]) {
        if self.notify.wants(class) {
            self.events.push(Event {
                database: self.database(),
                class,
                name,
                key: key.into(),
            });
        }
    }

    /// Moves the events that happened to `events`.
    pub fn drain_events(&mut self, events: &mut Vec<Event>) {
        events.append(&mut self.events);
    }
}
