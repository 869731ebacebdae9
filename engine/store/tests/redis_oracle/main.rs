//! The commands beside a real Redis 7.0: the same random commands, the same reply bytes.
//!
//! Needs `redis-server` (or the program that `REDIS_SERVER` names), so it stands behind the feature
//! `redis-oracle`. `ORACLE_SEED` and `ORACLE_SEEDS` choose what runs; a difference prints the seed, the
//! command and what came before it on its key.

mod compare;
#[path = "../grammar/mod.rs"]
mod grammar;
mod listener;
mod payloads;
#[path = "../script/mod.rs"]
mod script;
mod server;

use seawall_store::Reply;
use server::Server;

/// Tests for each family, in both protocols.
macro_rules! families {
    ($($family:ident)*) => {$(
        mod $family {
            use seawall_store::reply::Protocol;

            #[test]
            fn resp2() {
                crate::compare::family(&crate::grammar::$family::FAMILY, Protocol::Resp2);
            }

            #[test]
            fn resp3() {
                crate::compare::family(&crate::grammar::$family::FAMILY, Protocol::Resp3);
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

/// What the golden scripts hold beside Redis, where they do not depend on the time of their own.
#[test]
fn scripts_equal_redis() {
    let server = Server::start();
    let mut redis = server.connect();
    for file in script::files() {
        let text = std::fs::read_to_string(&file).expect("a script");
        if text.contains("The time is") {
            continue;
        }
        redis.ask("flushall");
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
            let words = script::split(command);
            redis.send(std::slice::from_ref(&words));
            let reply = redis.receive();
            let mut got = String::new();
            script::show(
                &Reply::parse(&reply).expect("a whole reply").0,
                "",
                &mut got,
            );
            assert!(
                got == wanted,
                "{}:{}: {command}\n  script: {wanted}\n  redis:  {got}",
                file.display(),
                number + 1
            );
        }
    }
}
