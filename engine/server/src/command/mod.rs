//! The server's own commands: what a connection, a client or the server is asked, and no key's value.
//!
//! A family is a file; a command is a `static` in it and a line in [`COMMANDS`]. Data commands are the
//! store's ([`seawall_store::command`]); `table` holds both.

pub mod arguments;
mod called;
mod called_keys;
pub mod catalog;
pub mod client;
pub mod config;
pub mod connection;
pub mod debug;
pub mod deviations;
mod docs;
pub mod durable;
pub mod facts;
mod help;
pub mod info;
pub mod latency;
pub mod memory;
pub mod monitor;
pub mod persistence;
pub mod process;
pub mod pubsub;
pub mod scripting;
pub mod secrets;
pub mod slowlog;
mod table;
pub mod transaction;

use std::fmt;
use std::sync::Arc;

use seawall_store::command::{CommandError, Flag, Flags, Keys, shown};
use seawall_store::reply::ReplyBuf;
use seawall_store::store::Until;
use seawall_store::{Millis, Op};

pub use called::Called;
pub use table::{Entry, Runner, callable, entries, find, of_memcached};

use crate::connection::Client;
use crate::figures::Figures;
use crate::resp::Words;
use crate::server::Server;

/// Every command of the server's own, by family.
pub static COMMANDS: &[&Command] = &[
    // The connection.
    &connection::PING,
    &connection::ECHO,
    &connection::SELECT,
    &connection::QUIT,
    &connection::RESET,
    &connection::HELLO,
    &connection::AUTH,
    // Messages.
    &pubsub::SUBSCRIBE,
    &pubsub::UNSUBSCRIBE,
    &pubsub::PSUBSCRIBE,
    &pubsub::PUNSUBSCRIBE,
    &pubsub::SSUBSCRIBE,
    &pubsub::SUNSUBSCRIBE,
    &pubsub::PUBLISH,
    &pubsub::SPUBLISH,
    &pubsub::PUBSUB,
    // The server.
    &catalog::COMMAND,
    &config::CONFIG,
    &client::CLIENT,
    &info::INFO,
    &memory::MEMORY,
    &slowlog::SLOWLOG,
    &latency::LATENCY,
    &monitor::MONITOR,
    &debug::DEBUG,
    &process::TIME,
    &process::LOLWUT,
    &process::SHUTDOWN,
    &process::ROLE,
    &process::WAIT,
    &durable::WAITAOF,
    &process::REPLICAOF,
    &process::SLAVEOF,
    &process::FAILOVER,
    &persistence::SAVE,
    &persistence::BGSAVE,
    &persistence::BGREWRITEAOF,
    &persistence::LASTSAVE,
    // Scripts.
    &scripting::FUNCTION,
    &scripting::SCRIPT,
    // Transactions.
    &transaction::MULTI,
    &transaction::EXEC,
    &transaction::DISCARD,
    &transaction::WATCH,
    &transaction::UNWATCH,
];

/// A command of the server's own.
pub struct Command {
    /// Its name, in lower case; a subcommand's after its container's: `client|id`.
    pub name: &'static str,
    /// How many words a call has, all names counted; negative: at least so many (Redis's convention).
    pub arity: i8,
    /// What it does.
    pub flags: Flags,
    /// Which arguments are keys.
    pub keys: Keys,
    /// One line for people.
    pub about: &'static str,
    /// Where it has subcommands: those; the first argument says which.
    pub subcommands: &'static [&'static Command],
    /// When it runs, seen from the commands that its client sent before.
    pub order: Order,
    /// What runs it. A container's runs where no subcommand is given.
    pub run: fn(&mut Context<'_>) -> Result<(), CommandError>,
}

impl Command {
    /// A command without keys and subcommands, which runs after what its client sent before.
    pub const fn new(
        name: &'static str,
        arity: i8,
        flags: &[Flag],
        about: &'static str,
        run: fn(&mut Context<'_>) -> Result<(), CommandError>,
    ) -> Command {
        Command {
            name,
            arity,
            flags: Flags::of(flags),
            keys: Keys::NONE,
            about,
            subcommands: &[],
            order: Order::AfterAll,
            run,
        }
    }

    /// The same, at once.
    #[must_use]
    pub const fn at_once(self) -> Command {
        Command {
            order: Order::AtOnce,
            ..self
        }
    }
}

/// When a command runs, seen from the commands that its client sent before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// At once: it concerns the connection alone, and only its reply waits for theirs.
    AtOnce,
    /// When they are done, so that it sees what they did and others see it after them.
    AfterAll,
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// What a handler writes once the figures of all shards are there.
pub type Tell = fn(&mut Context<'_>, &Figures) -> Result<(), CommandError>;

/// Where the reply comes from.
#[derive(Debug, Default)]
pub enum Next {
    /// The handler wrote it.
    #[default]
    Replied,
    /// The handler wrote messages that are no reply: the client hears them though it wants none
    /// (`CLIENT REPLY`).
    Pushed,
    /// It is this op's, which the store answers.
    Forward(Op),
    /// The client waits: until the time (for ever, where there is none) and then gets these bytes; or
    /// until `CLIENT UNBLOCK`, which gives the same.
    Wait {
        /// Until when.
        until: Option<Millis>,
        /// What it gets then, encoded.
        reply: Vec<u8>,
    },
    /// The client waits until what it wrote is durable, or the time has come (for none, where there is none): how many
    /// disks have it, and how many replicas.
    Durable {
        /// Until when.
        until: Option<Millis>,
        /// When it is told, before that time.
        told: Until,
    },
    /// This tells, when the shards have told their figures.
    Inquire(Tell),
    /// The client waits until its worker is [told](crate::mailbox::Message::Told) the reply.
    Told,
    /// It runs what `MULTI` queued.
    Execute,
    /// It watches the keys of its arguments.
    Watch,
    /// It stops watching, and the reply is written.
    Unwatch,
}

/// One call: what a handler may touch.
pub struct Context<'a> {
    /// What all workers share.
    pub server: &'a Arc<Server>,
    /// The store, as this worker has it.
    pub store: &'a mut seawall_store::Worker,
    /// Whose call it is.
    pub client: &'a mut Client,
    /// The command; a subcommand where one was called.
    pub entry: &'static Entry,
    /// The arguments without the command's name: a subcommand's begin with the subcommand's.
    pub args: &'a Words,
    /// Where the reply goes; it speaks the client's protocol.
    pub reply: &'a mut ReplyBuf,
    /// The time of the call.
    pub now: Millis,
    /// Whether it runs inside `EXEC`.
    pub in_transaction: bool,
    /// Where the reply comes from.
    pub next: Next,
}

/// A wrong number of arguments of this command.
pub fn arity_error(entry: &Entry) -> CommandError {
    CommandError::new(format!(
        "ERR wrong number of arguments for '{}' command",
        entry.name()
    ))
}

/// A subcommand with more arguments than it takes.
fn unknown_or_wrong(context: &Context<'_>) -> CommandError {
    let subcommand = context.args.get(0).unwrap_or_default();
    let subcommand = shown(subcommand, 128);
    let container = context.entry.name().split('|').next().unwrap_or_default();
    CommandError::new(format!(
        "ERR unknown subcommand or wrong number of arguments for '{subcommand}'. Try {} HELP.",
        container.to_uppercase()
    ))
}
