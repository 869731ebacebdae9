//! The keyspace notifications of a server, command by command.
//!
//! After each command a message is published on a channel of the test's own; what a listener hears between
//! two such messages happened in the command between them.

use seawall_store::{Event, Reply};

use crate::server::{Connection, Server};

/// The channel that parts the commands.
const MARK: &str = "next command";

/// A connection that has subscribed to all events.
pub struct Listener(Connection);

impl Listener {
    pub fn new(server: &Server) -> Listener {
        let mut connection = server.connect();
        let subscribe = |command: &str, channel: &str| {
            vec![command.as_bytes().to_vec(), channel.as_bytes().to_vec()]
        };
        connection.send(&[
            subscribe("psubscribe", "__keyevent@*__:*"),
            subscribe("subscribe", MARK),
        ]);
        connection.receive();
        connection.receive();
        Listener(connection)
    }

    /// What is sent after each command, and answered with one reply.
    pub fn mark() -> Vec<Vec<u8>> {
        vec![b"publish".to_vec(), MARK.as_bytes().to_vec(), Vec::new()]
    }

    /// The events of the next command, in words.
    pub fn events(&mut self) -> Vec<String> {
        let mut events = Vec::new();
        loop {
            let heard = Reply::parse(&self.0.receive()).expect("a whole reply").0;
            let Reply::Array(parts) = heard else {
                panic!("no message: {heard:?}");
            };
            let text = |part: &Reply| match part {
                Reply::Bulk(bytes) => bytes.escape_ascii().to_string(),
                other => panic!("no text: {other:?}"),
            };
            match parts.as_slice() {
                [_, _, channel, key] => events.push(format!("{} {}", text(channel), text(key))),
                _ => return events,
            }
        }
    }
}

/// Our events in the same words.
pub fn shown(events: &[Event]) -> Vec<String> {
    let shown = |event: &Event| {
        format!(
            "__keyevent@{}__:{} {}",
            event.database,
            event.name,
            event.key.escape_ascii()
        )
    };
    events.iter().map(shown).collect()
}
