//! Messages of all three kinds; and what the server tells of keys.

use std::sync::mpsc;
use std::time::Duration;

use redis::{Commands, Connection, Msg, PushInfo, PushKind, RedisResult, Value};

use crate::{Held, Server, eventually, fails, holds, is, list, says, text, words};

/// What a message is: its pattern, where one brought it, its channel and its text.
fn parts(message: &Msg) -> RedisResult<(Option<String>, String, String)> {
    let pattern = message.from_pattern().then(|| message.get_pattern());
    Ok((
        pattern.transpose()?,
        message.get_channel()?,
        message.get_payload()?,
    ))
}

/// Waits until as many listen to `horn`, and one to patterns: in RESP3 this client waits for no answer when it subscribes,
/// or does not want to hear any more.
fn listens(r: &mut Connection, wanted: u64) -> Held {
    let so = || {
        let (_, horn): (String, u64) = words("PUBSUB NUMSUB horn").query(r)?;
        let patterns: u64 = words("PUBSUB NUMPAT").query(r)?;
        Ok((horn, patterns) == (wanted, 1))
    };
    eventually(so, "it listens, or does not any more")
}

pub fn pubsub(server: &Server, r: &mut Connection) -> Held {
    let mut listening = server.connect()?;
    let mut listener = listening.as_pubsub();
    listener.subscribe(&["horn", "bell"])?;
    listener.psubscribe("f?g*")?;
    listens(r, 1)?;
    is(r.publish("horn", "foghorn"), 1)?;
    let heard = parts(&listener.get_message()?);
    holds(heard? == (None, text("horn"), text("foghorn")), "the horn")?;
    is(r.publish("fog:1", "thick"), 1)?;
    let heard = parts(&listener.get_message()?);
    holds(
        heard? == (Some(text("f?g*")), text("fog:1"), text("thick")),
        "the fog",
    )?;
    is(r.publish("nobody", "x"), 0)?;
    let channels: Vec<String> = words("PUBSUB CHANNELS h*").query(r)?;
    holds(channels == ["horn"], "the channels")?;
    says(
        r,
        "PUBSUB NUMSUB horn nobody",
        (text("horn"), 1, text("nobody"), 0),
    )?;
    says(r, "PUBSUB NUMPAT", 1)?;
    let many = (0..1000).map(|i| r.publish("bell", i));
    is(many.collect(), vec![1; 1000])?;
    for i in 0..1000 {
        is(listener.get_message()?.get_payload(), i)?;
    }
    listener.unsubscribe("horn")?;
    listens(r, 0)?;
    is(r.publish("horn", "unheard"), 0)?;
    drop(listener);
    // What was left of it is taken back, and the connection is an ordinary one again.
    is(listening.set("key", "x"), text("OK"))?;
    sharded(server, r)
}

fn sharded(server: &Server, r: &mut Connection) -> Held {
    let mut listener = server.connect()?;
    let (said, heard) = mpsc::channel();
    listener.set_push_sender(said);
    if server.protocol == 3 {
        // Its only answer is pushed.
        listener.send_packed_command(&words("SSUBSCRIBE shard").get_packed_command())?;
    } else {
        says(
            &mut listener,
            "SSUBSCRIBE shard",
            (text("ssubscribe"), text("shard"), 1),
        )?;
    }
    let subscribed = || Ok(words("PUBSUB SHARDCHANNELS").query::<Vec<String>>(r)? == ["shard"]);
    eventually(subscribed, "it listens")?;
    is(r.publish("shard", "not for it"), 0)?;
    is(r.spublish("shard", "to one shard"), 1)?;
    let wanted = list("shard to");
    let message = if server.protocol == 3 {
        // A connection reads what was pushed when it next reads; it need not ask for more than this.
        words("PING").exec(&mut listener)?;
        loop {
            let PushInfo { kind, data } = heard.recv_timeout(Duration::from_secs(5))?;
            if kind == PushKind::SMessage {
                break data;
            }
        }
    } else {
        match listener.recv_response()? {
            Value::Array(mut data) => data.split_off(1),
            other => return fails(&format!("{other:?}")),
        }
    };
    let message: Vec<String> = redis::from_redis_value(Value::Array(message))?;
    holds(
        message == [wanted[0].as_str(), "to one shard"],
        "the shard's message",
    )
}

pub fn notifications(server: &Server, r: &mut Connection) -> Held {
    says(r, "CONFIG SET notify-keyspace-events KEA", text("OK"))?;
    let held = told(server, r);
    says(r, "CONFIG SET notify-keyspace-events ", text("OK"))?;
    held
}

fn told(server: &Server, r: &mut Connection) -> Held {
    let mut listening = server.connect()?;
    let mut listener = listening.as_pubsub();
    listener.psubscribe("__key*__:*")?;
    is(r.pset_ex("key", "x", 30), text("OK"))?;
    let mut both = |key: &str, event: &str| -> Held {
        let wanted = (format!("__keyspace@0__:{key}"), text(event));
        let message = listener.get_message()?;
        holds(
            (message.get_channel()?, message.get_payload()?) == wanted,
            event,
        )?;
        let wanted = (format!("__keyevent@0__:{event}"), text(key));
        let message = listener.get_message()?;
        holds(
            (message.get_channel()?, message.get_payload()?) == wanted,
            event,
        )
    };
    for event in ["set", "expire", "expired"] {
        both("key", event)?;
    }
    r.lpush::<_, _, ()>("list", "x")?;
    r.rpop::<_, ()>("list", None)?;
    for event in ["lpush", "rpop", "del"] {
        both("list", event)?;
    }
    Ok(())
}
