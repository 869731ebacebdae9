//! CLIENT and what it does to connections; connecting again; passwords; what the crate builds on top.

use redis::{Commands, Connection, RedisResult};

use crate::{Held, NONE, Server, holds, is, refused, says, some, text, words};

pub fn clients(server: &Server, r: &mut Connection) -> Held {
    let mut named = server.connect()?;
    is(named.client_getname(), NONE)?;
    is(named.client_setname("helmsman"), text("OK"))?;
    is(named.client_getname(), some("helmsman"))?;
    let id: u64 = named.client_id()?;
    holds(id > r.client_id()?, "its number")?;
    let all: String = words("CLIENT LIST").query(r)?;
    let line = all.lines().find(|line| line.contains(" name=helmsman "));
    let line = line.ok_or("it is not in the list")?;
    holds(line.starts_with(&format!("id={id} addr=127.0.0.1:")), line)?;
    holds(line.contains(&format!(" resp={}", server.protocol)), line)?;
    holds(
        line.contains(" lib-name=redis-rs ") || !line.contains("lib-name"),
        line,
    )?;
    let own: String = words("CLIENT INFO").query(&mut named)?;
    holds(own.contains(" cmd=client|info user=default "), &own)?;
    says(r, "CLIENT LIST TYPE pubsub", text(""))?;
    refused(
        named.client_setname("a b"),
        "ERR Client names cannot contain spaces",
    )?;
    is(words("CLIENT NO-EVICT ON").query(&mut named), text("OK"))?;
    is(words(&format!("CLIENT UNBLOCK {id}")).query(r), 0)
}

pub fn reconnect(server: &Server, r: &mut Connection) -> Held {
    let mut killed = server.connect()?;
    killed.set::<_, _, ()>("key", "castaway")?;
    let id: u64 = killed.client_id()?;
    says(r, &format!("CLIENT KILL ID {id}"), 1)?;
    let error = killed.get::<_, String>("key").expect_err("it was killed");
    holds(
        error.is_connection_dropped() || error.is_io_error(),
        &error.to_string(),
    )?;
    let mut again = server.connect()?;
    is(again.get("key"), some("castaway"))?;
    refused(
        words("CLIENT KILL 127.0.0.1:1").query(r),
        "ERR No such client",
    )?;
    says(r, "CONFIG SET requirepass sesame", text("OK"))?;
    let refusing = password(server);
    says(r, "CONFIG SET requirepass ", text("OK"))?;
    refusing
}

fn password(server: &Server) -> Held {
    let with = |password: &str| -> RedisResult<Connection> {
        let (address, protocol) = (server.address, server.protocol);
        let client = format!("redis://{password}@{address}/?protocol=resp{protocol}");
        redis::Client::open(client)?.get_connection()
    };
    holds(with(":wrong").is_err(), "a wrong password")?;
    says(&mut with(":sesame")?, "PING", text("PONG"))?;
    says(&mut with("default:sesame")?, "PING", text("PONG"))?;
    let unsaid = server.connect().and_then(|mut r| r.get::<_, String>("key"));
    holds(unsaid.is_err(), "no password")
}

pub fn conveniences(server: &Server, r: &mut Connection) -> Held {
    let mut other = server.connect()?;
    r.set::<_, _, ()>("anchor", "weighed anchor")?;
    is(r.get("anchor"), some("weighed anchor"))?;
    // A transaction that is tried again until nobody came between.
    r.set::<_, _, ()>("balance", 7)?;
    let mut tries = Vec::new();
    let answer: (i64,) = redis::transaction(r, &["balance"], |r, pipe| {
        let balance: i64 = r.get("balance")?;
        tries.push(balance);
        if tries.len() == 1 {
            other.incr::<_, _, ()>("balance", 1)?;
        }
        pipe.set("balance", balance * 2)
            .ignore()
            .get("balance")
            .query(r)
    })?;
    is(Ok(answer), (16,))?;
    holds(tries == [7, 8], "both tries")?;
    redis::transaction(r, &["n"], |r, pipe| {
        pipe.incr("n", 1).query::<Option<(i64,)>>(r)
    })?;
    is(r.get("n"), 1)
}
