//! Under tokio: one connection that many tasks share, messages as a stream, the connection that connects
//! again by itself.

use std::time::Duration;

use futures_util::StreamExt;
use redis::aio::{ConnectionManager, ConnectionManagerConfig, MultiplexedConnection};
use redis::{AsyncCommands, Connection, RedisResult, pipe};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::{Held, Server, holds, is, some, text, words};

const PATIENCE: Duration = Duration::from_secs(5);

pub fn tasks(server: &Server, _: &mut Connection) -> Held {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let shared = server
            .client("")?
            .get_multiplexed_async_connection()
            .await?;
        many_share_one(shared.clone()).await?;
        messages(server, shared.clone()).await?;
        managed(server, shared).await
    })
}

async fn many_share_one(mut r: MultiplexedConnection) -> Held {
    is(r.set("key", "coxswain").await, text("OK"))?;
    is(r.get("key").await, some("coxswain"))?;
    let mut all = JoinSet::new();
    for i in 0..500_u32 {
        let mut r = r.clone();
        all.spawn(async move {
            r.set::<_, _, ()>(i, i.to_string()).await?;
            let (count, value): (u32, u32) = pipe().incr("n", 1).get(i).query_async(&mut r).await?;
            RedisResult::Ok((count, value == i))
        });
    }
    let mut counts = Vec::new();
    while let Some(done) = all.join_next().await {
        let (count, same) = done??;
        holds(same, "each reads what it wrote")?;
        counts.push(count);
    }
    counts.sort_unstable();
    holds(counts == (1..=500).collect::<Vec<_>>(), "all are counted")?;
    let mut names = Vec::new();
    let mut scan = r.scan_match::<_, String>("*").await?;
    while let Some(name) = scan.next_item().await {
        names.push(name?);
    }
    drop(scan);
    names.sort_unstable();
    names.dedup();
    is(Ok(names.len()), 502)?;
    let both = pipe()
        .atomic()
        .set("a", 1)
        .ignore()
        .incr("a", 1)
        .query_async(&mut r)
        .await;
    is(both, (2,))
}

async fn messages(server: &Server, mut r: MultiplexedConnection) -> Held {
    let (mut sink, mut stream) = server.client("")?.get_async_pubsub().await?.split();
    sink.subscribe("horn").await?;
    sink.psubscribe("f*").await?;
    is(r.publish("horn", "one").await, 1)?;
    is(r.publish("fog", "two").await, 1)?;
    for wanted in ["one", "two"] {
        let message = timeout(PATIENCE, stream.next())
            .await?
            .ok_or("it is closed")?;
        is(message.get_payload(), text(wanted))?;
    }
    sink.unsubscribe("horn").await?;
    is(r.publish("horn", "three").await, 0)
}

async fn managed(server: &Server, mut r: MultiplexedConnection) -> Held {
    let config = ConnectionManagerConfig::new().set_min_delay(Duration::from_millis(10));
    let mut managed = ConnectionManager::new_with_config(server.client("")?, config).await?;
    is(managed.set("kept", "x").await, text("OK"))?;
    let id: u64 = words("CLIENT ID").query_async(&mut managed).await?;
    let killed = words(&format!("CLIENT KILL ID {id}"))
        .query_async(&mut r)
        .await;
    is(killed, 1)?;
    // What is asked just then may fail; the connection is a new one soon after.
    let again = async {
        loop {
            if let Ok(new) = words("CLIENT ID").query_async::<u64>(&mut managed).await {
                break new;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    holds(
        timeout(PATIENCE, again).await? > id,
        "it is connected again",
    )?;
    is(managed.get("kept").await, some("x"))
}
