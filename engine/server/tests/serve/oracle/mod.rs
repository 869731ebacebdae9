//! The server beside a real Redis 7.0: the same commands, the same bytes.
//!
//! Needs `redis-server` (or the program that `REDIS_SERVER` names), so it stands behind the feature
//! `redis-oracle`. Random commands of each family (`store/tests/grammar`) go to both over TCP; what may
//! differ stands in `allowed`, all else is a failure, which is told by the shortest commands that show it.
//! Scripts are run beside Redis too; what is ours alone stands in scripts whose names begin with `own`.

mod allowed;
mod broken;
mod campaign;
mod casts;
mod catalog;
mod deadlines;
mod difference;
mod exchange;
#[path = "../../../../store/tests/grammar/mod.rs"]
mod grammar;
mod pair;
mod redis;
mod side;
mod steps;
#[path = "../../../../store/tests/script/mod.rs"]
mod store_script;
mod stream;
mod wire;

use std::collections::BTreeSet;
use std::path::Path;

use seawall_server::command::{Entry, entries, find};
use seawall_store::Reply;

use crate::script;
use redis::Redis;
use wire::Wire;

/// Tests for each family, in both protocols.
macro_rules! families {
    ($play:ident $families:ident $all:ident $list:expr; $($family:ident)*) => {$(
        mod $family {
            use seawall_store::reply::Protocol;

            use super::{campaign, $families};

            #[test]
            fn resp2() {
                campaign::$play(&$families::$family::FAMILY, Protocol::Resp2);
            }

            #[test]
            fn resp3() {
                campaign::$play(&$families::$family::FAMILY, Protocol::Resp3);
            }
        }
    )*

        #[test]
        fn $all() {
            let named = [$(stringify!($family)),*];
            let all: Vec<&str> = $list.collect();
            assert_eq!(all, named);
        }
    };
}

families! { stream grammar every_family_is_compared grammar::FAMILIES.iter().map(|family| family.name);
strings keys hashes lists sets sorted_sets geo keyspace bits hyperloglogs }
families! { cast casts every_cast_is_compared casts::CASTS.iter().map(|(family, _)| family.name);
transactions blocking pubsub expiry walks clients server }

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

#[test]
fn what_may_differ_is_of_commands_that_there_are_and_has_a_reason() {
    for line in allowed::ALLOWED {
        assert!(
            !line.why.is_empty() && !line.why.contains('|'),
            "{}",
            line.why
        );
        for name in line.commands {
            let container = name.split('|').next().unwrap_or_default();
            assert!(find(container.as_bytes()).is_some(), "{name}");
        }
    }
}

/// Commands that no family draws.
const NOT_DRAWN: &[(&str, &str)] = &[
    ("client|setinfo", "of Redis 7.2"),
    ("waitaof", "of Redis 7.2"),
    (
        "function",
        "there are no functions: its answers are held by a script",
    ),
    (
        "script",
        "there are no scripts: its answers are held by a script",
    ),
    ("pfselftest", "it takes seconds, and has no arguments"),
    (
        "debug",
        "its subcommands are for tests, and most are a server's own",
    ),
    (
        "monitor",
        "it shows what the test's other clients say; held by a golden script",
    ),
];

#[test]
fn every_command_is_drawn() {
    let families = casts::ALL.iter();
    let drawn: BTreeSet<String> = families
        .flat_map(|family| family.rules)
        .flat_map(|rule| {
            let mut words = rule
                .trim_start_matches('!')
                .trim_start_matches("walk ")
                .split(' ');
            let name = words.next().unwrap_or_default();
            let second = words.next().unwrap_or_default();
            [name.to_owned(), format!("{name}|{second}")]
        })
        .collect();
    let missing: Vec<&str> = entries()
        .iter()
        .map(Entry::name)
        .filter(|name| !drawn.contains(*name))
        .filter(|name| {
            let excused = |(other, _): &&(&str, &str)| {
                name.strip_prefix(other)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('|'))
            };
            !NOT_DRAWN.iter().any(|line| excused(&line))
        })
        .collect();
    assert!(missing.is_empty(), "drawn by no family: {missing:?}");
}
