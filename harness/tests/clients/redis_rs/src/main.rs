//! redis-rs (the crate `redis`), through everything that the server has: blocking connections, the
//! multiplexed one under tokio, the connection that connects again by itself.
//!
//! Called with `port=N protocol=2|3`; it says of each section on a line whether it held. A workspace of its
//! own, so that the project's tests build without a client and what that needs.

mod administration;
mod asynchronous;
mod collections;
mod connections;
#[path = "../../held.rs"]
mod held;
mod messages;
mod strings;
mod transactions;

use std::fmt::Debug;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use redis::{Client, Cmd, Connection, FromRedisValue, RedisError, RedisResult, cmd};

use held::{Held, fails, failure, holds};

/// A section, with a server that is empty and a connection to it.
type Section = fn(&Server, &mut Connection) -> Held;

const SECTIONS: &[(&str, Section)] = &[
    ("strings", strings::strings),
    ("counters", strings::counters),
    ("bits", strings::bits),
    ("expiry", strings::expiry),
    ("keys", strings::keys),
    ("hashes", collections::hashes),
    ("lists", collections::lists),
    ("blocking", collections::blocking),
    ("sets", collections::sets),
    ("sorted sets", collections::sorted_sets),
    ("hyperloglog", collections::hyperloglog),
    ("geo", collections::geo),
    ("transactions", transactions::transactions),
    ("databases", transactions::databases),
    ("pipelines", transactions::pipelines),
    ("large values", transactions::large_values),
    ("binary", transactions::binary),
    ("pubsub", messages::pubsub),
    ("notifications", messages::notifications),
    ("introspection", administration::introspection),
    ("slow log", administration::slow_log),
    ("latency", administration::latency),
    ("memory", administration::memory),
    ("errors", administration::errors),
    ("clients", connections::clients),
    ("reconnect", connections::reconnect),
    ("conveniences", connections::conveniences),
    ("asyncio", asynchronous::tasks),
];

/// The server, and how this run talks to it.
struct Server {
    address: SocketAddr,
    protocol: u16,
}

impl Server {
    /// A client whose address ends so: `3?`, for a database, or nothing.
    fn client(&self, database: &str) -> RedisResult<Client> {
        Client::open(format!(
            "redis://{}/{database}?protocol=resp{}",
            self.address, self.protocol
        ))
    }

    /// A connection that waits for nothing longer than ten seconds.
    fn connect(&self) -> RedisResult<Connection> {
        let connection = self.client("")?.get_connection()?;
        connection.set_read_timeout(Some(Duration::from_secs(10)))?;
        Ok(connection)
    }
}

fn main() -> ExitCode {
    let word = |name: &str| {
        let found = std::env::args().find_map(|word| word.strip_prefix(name)?.parse::<u16>().ok());
        found.unwrap_or_else(|| panic!("called without {name}N"))
    };
    let server = Server {
        address: (Ipv4Addr::LOCALHOST, word("port=")).into(),
        protocol: word("protocol="),
    };
    let mut status = ExitCode::SUCCESS;
    for (name, section) in SECTIONS {
        let held = || {
            let mut connection = server.connect()?;
            words("FLUSHALL").exec(&mut connection)?;
            section(&server, &mut connection)
        };
        match failure(held) {
            None => println!("passed {name}"),
            Some(why) => {
                println!("failed {name}: {}", why.replace(['\r', '\n'], " "));
                status = ExitCode::FAILURE;
            }
        }
    }
    status
}

/// A command, as it is typed.
fn words(text: &str) -> Cmd {
    let mut words = text.split(' ');
    let mut command = cmd(words.next().unwrap_or_default());
    words.for_each(|word| {
        command.arg(word);
    });
    command
}

/// That the server answered `wanted`, as the client understands it.
#[track_caller]
#[expect(
    clippy::needless_pass_by_value,
    reason = "a call reads like the sentence that it is"
)]
fn is<T: FromRedisValue + PartialEq + Debug>(answer: RedisResult<T>, wanted: T) -> Held {
    match answer {
        Ok(answer) if answer == wanted => Ok(()),
        other => fails(&format!("{other:?} instead of {wanted:?}")),
    }
}

/// The same for what is typed.
#[track_caller]
fn says<T>(connection: &mut Connection, text: &str, wanted: T) -> Held
where
    T: FromRedisValue + PartialEq + Debug,
{
    is(words(text).query(connection), wanted)
}

/// That the server refused, with an error whose code and text begin so.
#[track_caller]
fn refused(answer: RedisResult<redis::Value>, text: &str) -> Held {
    match answer {
        Err(error) if told(&error).starts_with(text) => Ok(()),
        other => fails(&format!("{other:?} instead of {text}")),
    }
}

/// An error as the server sent it.
fn told(error: &RedisError) -> String {
    let code = error.code().unwrap_or_default();
    format!("{code} {}", error.detail().unwrap_or_default())
}

/// Waits until something is so.
#[track_caller]
fn eventually(so: impl FnMut() -> RedisResult<bool>, what: &str) -> Held {
    held::eventually(so, what)
}

/// A reply's text.
fn text(word: &str) -> String {
    word.to_owned()
}

/// A list of words, as it is typed.
fn list(words: &str) -> Vec<String> {
    words.split_whitespace().map(str::to_owned).collect()
}

/// That something is there, and this.
#[expect(clippy::unnecessary_wraps, reason = "it is the answer that is wanted")]
fn some(word: &str) -> Option<String> {
    Some(text(word))
}

/// That nothing is there.
const NONE: Option<String> = None;
