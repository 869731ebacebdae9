//! The server beside a real Redis 7.0: the same commands, the same bytes.
//!
//! Needs `redis-server` (or the program that `REDIS_SERVER` names), so it stands behind the feature
//! `redis-oracle`. Random commands of each family (`store/tests/grammar`) go to both over TCP; what may
//! differ stands in `allowed`, all else is a failure, which is told by the shortest commands that show it.
//! Scripts are run beside Redis too; what is ours alone stands in scripts whose names begin with `own`.

mod allowed;
mod campaign;
mod difference;
#[path = "../../../../store/tests/grammar/mod.rs"]
mod grammar;
mod pair;
mod redis;
#[path = "../../../../store/tests/script/mod.rs"]
mod store_script;
mod stream;
mod wire;

use std::path::Path;

use seawall_store::Reply;

use crate::script;
use redis::Redis;
use wire::Wire;

/// Tests for each family, in both protocols.
macro_rules! families {
    ($($family:ident)*) => {$(
        mod $family {
            use seawall_store::reply::Protocol;

            use super::{campaign, grammar};

            #[test]
            fn resp2() {
                campaign::family(&grammar::$family::FAMILY, Protocol::Resp2);
            }

            #[test]
            fn resp3() {
                campaign::family(&grammar::$family::FAMILY, Protocol::Resp3);
            }
        }
    )*

        #[test]
        fn every_family_is_compared() {
            let named = [$(stringify!($family)),*];
            let all: Vec<_> = grammar::FAMILIES.iter().map(|family| family.name).collect();
            assert_eq!(all, named);
        }
    };
}

families! { strings keys hashes lists sets sorted_sets geo keyspace bits hyperloglogs }

#[test]
fn scripts_equal_redis() {
    let mut failed = Vec::new();
    for file in script::files() {
        let name = file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name.starts_with("own") {
            continue;
        }
        let redis = Redis::start();
        let text = std::fs::read_to_string(&file).expect("a script");
        let (_, differences) = script::run(&text, redis.address);
        if !differences.is_empty() {
            failed.push(format!("{name}:\n{}", differences.join("\n")));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// What the store's scripts hold, where they do not depend on the time of their own.
#[test]
fn scripts_of_the_store_equal_redis() {
    let redis = Redis::start();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../store/tests/scripts");
    let mut wire = Wire::connect(redis.address);
    for file in store_script::files(&folder) {
        let text = std::fs::read_to_string(&file).expect("a script");
        if text.contains("The time is") {
            continue;
        }
        wire.ask(&wire::words("flushall"));
        wire.ask(&wire::words("select 0"));
        let mut lines = text.lines().enumerate().peekable();
        while let Some((number, line)) = lines.next() {
            let Some(command) = line.strip_prefix("> ") else {
                continue;
            };
            let mut wanted = String::new();
            while let Some((_, line)) = lines.next_if(|(_, line)| !line.starts_with("> ")) {
                if !line.is_empty() && !line.starts_with(['#', '~']) {
                    wanted.push_str(line);
                    wanted.push('\n');
                }
            }
            let reply = wire.ask(&store_script::split(command)).reply();
            let mut got = String::new();
            store_script::show(&reply.unwrap_or(Reply::Nil), "", &mut got);
            assert!(
                got == wanted,
                "{}:{}: {command}\n  script: {wanted}\n  redis:  {got}",
                file.display(),
                number + 1
            );
        }
    }
}
