//! What a connection is asked about itself: signs of life, its database, its protocol, its password.

use seawall_store::command::number::parse_int;
use seawall_store::command::{CommandError, Flag, Flags, Keys, shown};
use seawall_store::reply::Protocol;

use super::{Command, Context, Next, Order, arity_error, pubsub};
use crate::clients::check_name;
use crate::connection::Replies;
use crate::limits::Limits;
use crate::resp::Words;

/// The version of Redis whose replies these are.
pub const REDIS_VERSION: &str = "7.0.15";

const ANY_TIME: Flags = Flags::of(&[
    Flag::Noscript,
    Flag::Loading,
    Flag::Stale,
    Flag::Fast,
    Flag::NoAuth,
    Flag::AllowBusy,
]);

/// `PING [message]`
pub static PING: Command = Command {
    name: "ping",
    arity: -1,
    flags: Flags::of(&[Flag::Fast]),
    keys: Keys::NONE,
    about: "answer PONG, or the message",
    subcommands: &[],
    order: Order::AtOnce,
    run: ping,
};

/// `ECHO message`
pub static ECHO: Command = Command {
    name: "echo",
    arity: 2,
    flags: Flags::of(&[Flag::Loading, Flag::Stale, Flag::Fast]),
    keys: Keys::NONE,
    about: "answer the message",
    subcommands: &[],
    order: Order::AtOnce,
    run: echo,
};

/// `SELECT index`
pub static SELECT: Command = Command {
    name: "select",
    arity: 2,
    flags: Flags::of(&[Flag::Loading, Flag::Stale, Flag::Fast]),
    keys: Keys::NONE,
    about: "mean another database",
    subcommands: &[],
    order: Order::AtOnce,
    run: select,
};

/// `QUIT`
pub static QUIT: Command = Command {
    name: "quit",
    arity: -1,
    flags: ANY_TIME,
    keys: Keys::NONE,
    about: "close the connection after the replies",
    subcommands: &[],
    order: Order::AtOnce,
    run: quit,
};

/// `RESET`
pub static RESET: Command = Command {
    name: "reset",
    arity: 1,
    flags: ANY_TIME,
    keys: Keys::NONE,
    about: "make the connection as if it were new",
    subcommands: &[],
    order: Order::AfterAll,
    run: reset,
};

/// `HELLO [protover [AUTH username password] [SETNAME clientname]]`
pub static HELLO: Command = Command {
    name: "hello",
    arity: -1,
    flags: ANY_TIME,
    keys: Keys::NONE,
    about: "choose the protocol, and hear who answers",
    subcommands: &[],
    order: Order::AtOnce,
    run: hello,
};

/// `AUTH [username] password`
pub static AUTH: Command = Command {
    name: "auth",
    arity: -2,
    flags: ANY_TIME,
    keys: Keys::NONE,
    about: "give the password",
    subcommands: &[],
    order: Order::AtOnce,
    run: auth,
};

fn ping(context: &mut Context<'_>) -> Result<(), CommandError> {
    if let Some((_, failure)) = context.server.store.log_failure() {
        return Err(failure.refusal());
    }
    if context.args.len() > 1 {
        return Err(arity_error(context.entry));
    }
    let message = context.args.get(0);
    // A subscriber of RESP2 can tell only by its shape what a message is.
    if context.client.is_subscriber() && context.client.protocol == Protocol::Resp2 {
        context.reply.array(2);
        context.reply.bulk(b"pong");
        context.reply.bulk(message.unwrap_or_default());
    } else if let Some(message) = message {
        context.reply.bulk(message);
    } else {
        context.reply.simple("PONG");
    }
    Ok(())
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "a handler has the table's signature, whether it can fail or not"
)]
fn echo(context: &mut Context<'_>) -> Result<(), CommandError> {
    context.reply.bulk(&context.args[0]);
    Ok(())
}

fn select(context: &mut Context<'_>) -> Result<(), CommandError> {
    context.client.database = database(context.args, &context.server.limits())?;
    context.reply.ok();
    Ok(())
}

/// The database that the arguments of `SELECT` mean.
///
/// # Errors
/// There is none, in Redis's words.
pub fn database(args: &Words, limits: &Limits) -> Result<u8, CommandError> {
    let index = parse_int(&args[0]).ok_or(CommandError::NOT_AN_INTEGER)?;
    if i32::try_from(index).is_err() {
        return Err(CommandError::fixed(
            "ERR value is out of range, value must between -2147483648 and 2147483647",
        ));
    }
    u8::try_from(index)
        .ok()
        .filter(|&index| index < limits.databases)
        .ok_or(CommandError::fixed("ERR DB index is out of range"))
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "a handler has the table's signature, whether it can fail or not"
)]
fn quit(context: &mut Context<'_>) -> Result<(), CommandError> {
    context.client.closing = true;
    context.reply.ok();
    Ok(())
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "a handler has the table's signature, whether it can fail or not"
)]
fn reset(context: &mut Context<'_>) -> Result<(), CommandError> {
    let client = &mut *context.client;
    pubsub::leave(context.server, client);
    context.server.monitors.remove(&client.card);
    client.transaction = None;
    client.database = 0;
    client.protocol = Protocol::Resp2;
    // What `CLIENT REPLY SKIP` said of this call holds.
    if client.replies != Replies::SkipThis {
        client.replies = Replies::On;
    }
    client.authenticated = context.server.limits().password.is_empty();
    client.card.names().name.clear();
    context.reply.speak(Protocol::Resp2);
    context.reply.simple("RESET");
    context.next = Next::Unwatch;
    Ok(())
}

/// What `HELLO` asks for, looked through: nothing of it can fail any more.
pub struct Greeting {
    /// The protocol from then on.
    pub protocol: Protocol,
    /// Whether it gave the password.
    logs_in: bool,
    name: Option<String>,
}

impl Greeting {
    /// What these arguments ask for, of a client that speaks `protocol`.
    ///
    /// # Errors
    /// An option that there is not, or a wrong password, in Redis's words.
    pub fn read(
        args: &Words,
        protocol: Protocol,
        limits: &Limits,
    ) -> Result<Greeting, CommandError> {
        let mut greeting = Greeting {
            protocol,
            logs_in: false,
            name: None,
        };
        if let Some(version) = args.get(0) {
            let version = parse_int(version).ok_or(CommandError::fixed(
                "ERR Protocol version is not an integer or out of range",
            ))?;
            greeting.protocol = match version {
                2 => Protocol::Resp2,
                3 => Protocol::Resp3,
                _ => {
                    return Err(CommandError::fixed("NOPROTO unsupported protocol version"));
                }
            };
        }
        let mut at = 1;
        while let Some(option) = args.get(at) {
            match option.to_ascii_lowercase().as_slice() {
                b"auth" if args.len() > at + 2 => {
                    check_password(limits, &args[at + 1], &args[at + 2])?;
                    greeting.logs_in = true;
                    at += 3;
                }
                b"setname" if args.len() > at + 1 => {
                    greeting.name = Some(check_name(&args[at + 1])?);
                    at += 2;
                }
                _ => {
                    let option = shown(option, usize::MAX);
                    return Err(CommandError::new(format!(
                        "ERR Syntax error in HELLO option '{option}'"
                    )));
                }
            }
        }
        Ok(greeting)
    }
}

fn hello(context: &mut Context<'_>) -> Result<(), CommandError> {
    let limits = context.server.limits();
    let greeting = Greeting::read(context.args, context.client.protocol, &limits)?;
    let protocol = greeting.protocol;
    context.client.authenticated |= greeting.logs_in;
    if !context.client.authenticated {
        return Err(CommandError::fixed(
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the \
             HELLO AUTH <user> <pass> option can be used to authenticate the client and \
             select the RESP protocol version at the same time",
        ));
    }
    if let Some(name) = greeting.name {
        context.client.card.names().name = name;
    }
    context.client.protocol = protocol;
    let reply = &mut *context.reply;
    reply.speak(protocol);
    reply.map(7);
    for (field, value) in [("server", "redis"), ("version", REDIS_VERSION)] {
        reply.bulk(field.as_bytes());
        reply.bulk(value.as_bytes());
    }
    reply.bulk(b"proto");
    reply.int(if protocol == Protocol::Resp3 { 3 } else { 2 });
    reply.bulk(b"id");
    reply.int(context.client.card.id as i64);
    for (field, value) in [("mode", "standalone"), ("role", "master")] {
        reply.bulk(field.as_bytes());
        reply.bulk(value.as_bytes());
    }
    reply.bulk(b"modules");
    reply.array(0);
    Ok(())
}

fn auth(context: &mut Context<'_>) -> Result<(), CommandError> {
    let args = context.args;
    match args.len() {
        1 if context.server.limits().password.is_empty() => {
            return Err(CommandError::fixed(
                "ERR AUTH <password> called without any password configured for the default \
                 user. Are you sure your configuration is correct?",
            ));
        }
        1 => log_in(context, b"default", &args[0])?,
        2 => log_in(context, &args[0], &args[1])?,
        _ => return Err(CommandError::SYNTAX),
    }
    context.reply.ok();
    Ok(())
}

/// There is one user, `default`; without a password set, any is right.
fn log_in(context: &mut Context<'_>, user: &[u8], given: &[u8]) -> Result<(), CommandError> {
    check_password(&context.server.limits(), user, given)?;
    context.client.authenticated = true;
    Ok(())
}

/// Whether `given` is the password of `user`.
pub fn is_password(limits: &Limits, user: &[u8], given: &[u8]) -> bool {
    let wanted = &limits.password;
    user == b"default" && (wanted.is_empty() || is_same(wanted, given))
}

/// # Errors
/// There is no such user, or this is not the password.
fn check_password(limits: &Limits, user: &[u8], given: &[u8]) -> Result<(), CommandError> {
    if is_password(limits, user, given) {
        return Ok(());
    }
    Err(CommandError::fixed(
        "WRONGPASS invalid username-password pair or user is disabled.",
    ))
}

/// Compares in a time that does not tell where the two differ.
fn is_same(wanted: &[u8], given: &[u8]) -> bool {
    let mut difference = wanted.len() ^ given.len();
    for (i, byte) in given.iter().enumerate() {
        difference |= usize::from(byte ^ wanted[i % wanted.len()]);
    }
    difference == 0
}
