//! The streams themselves: the same for the same seed on every machine, and of the promised shape.

use std::collections::BTreeMap;
use std::path::Path;

use seawall_store::{Millis, Op, Out, Reply, Shard, ShardConfig};
use seawall_workloads::{WORKLOADS, Workload, build, preset};
use xxhash_rust::xxh3::Xxh3;

fn load(spec: &str, seed: u64) -> (Box<dyn Workload>, Shard, Vec<Op>) {
    let mut load = build(spec, seed, 0, 1).expect("the spec is accepted");
    let mut shard = Shard::new(&ShardConfig::default());
    let mut ops = Vec::new();
    while let Some(op) = load.preload() {
        let reply = apply(&mut shard, &op);
        load.observe(&op, &reply).unwrap();
        ops.push(op);
    }
    (load, shard, ops)
}

fn apply(shard: &mut Shard, op: &Op) -> Reply {
    let mut out = Out::default();
    shard.apply(Millis(1), op, &mut out);
    Reply::parse(out.reply.as_bytes()).expect("a whole reply").0
}

fn hash(spec: &str, seed: u64) -> u64 {
    let (mut load, mut shard, loaded) = load(spec, seed);
    let mut hash = Xxh3::new();
    let mut feed = |op: &Op| hash.update(format!("{op:?}\n").as_bytes());
    loaded.iter().for_each(&mut feed);
    for _ in 0..10_000 {
        let op = load.next();
        feed(&op);
        let reply = apply(&mut shard, &op);
        load.observe(&op, &reply).unwrap();
    }
    hash.digest()
}

/// What changes here changes every recorded run: the notes of the release must say so.
const GOLDEN: &[(&str, u64, u64)] = &[
    ("cache-aside:keys=5000", 1, 0x38EC_48BB_A037_7918),
    ("cache-aside:keys=5000", 2, 0xD5E3_AE3E_6E29_1E15),
    (
        "cache-aside:preset=meta-leader-fbobj:keys=5000",
        1,
        0x760A_1534_CEB3_68E9,
    ),
    ("session:sessions=2000", 1, 0x9CD3_36CA_01EF_B981),
    ("session:sessions=2000", 2, 0x697C_389C_ABEB_61E0),
    ("leaderboard:players=5000", 1, 0x9C8D_4906_39D4_A9A2),
    ("leaderboard:players=5000", 2, 0xF27C_CDEC_7DE3_2BD2),
    ("geo:couriers=5000", 1, 0x2CEF_0CC8_97B3_E330),
    ("geo:couriers=5000", 2, 0xF9B0_D3E3_CA8B_6CED),
];

#[test]
fn streams_are_the_recorded_ones() {
    let now: Vec<_> = GOLDEN
        .iter()
        .map(|&(spec, seed, _)| (spec, seed, hash(spec, seed)))
        .collect();
    assert_eq!(now, GOLDEN);
}

/// The share of each command among `ops` ops.
fn shares(spec: &str, ops: usize) -> BTreeMap<&'static str, f64> {
    let (mut load, mut shard, _) = load(spec, 9);
    let mut shares = BTreeMap::new();
    for _ in 0..ops {
        let op = load.next();
        let reply = apply(&mut shard, &op);
        load.observe(&op, &reply).unwrap();
        *shares.entry(op.command().name).or_insert(0.0) += 1.0 / ops as f64;
    }
    shares
}

fn assert_share(shares: &BTreeMap<&'static str, f64>, command: &str, right: f64) {
    let is = shares.get(command).copied().unwrap_or(0.0);
    assert!(
        (is - right).abs() < 0.012,
        "{command}: {is:.3}, not {right:.3}, of {shares:?}"
    );
}

#[test]
fn mixes_are_the_promised_ones() {
    let mix = shares("cache-aside:keys=20000:warm=1:writes=0.1:zipf=0.5", 40_000);
    assert_share(&mix, "del", mix["get"] / 0.9 * 0.1);
    let mix = shares("leaderboard:players=5000:neighbours=0", 40_000);
    assert_share(&mix, "zadd", 0.3);
    assert_share(&mix, "zincrby", 0.3);
    assert_share(&mix, "zrevrange", 0.2);
    assert_share(&mix, "zrevrank", 0.2);
    let mix = shares("geo:couriers=5000", 40_000);
    assert_share(&mix, "geoadd", 0.8);
    assert_share(&mix, "geosearch", 0.2);
    let mix = shares("session:sessions=2000", 40_000);
    assert_share(&mix, "hincrby", mix["hgetall"] * 0.12);
    // Each new session is prolonged once, and each visit once.
    let created = mix["expire"] - mix["hgetall"];
    assert_share(&mix, "hset", mix["hgetall"] * 0.15 + created);
    assert_share(&mix, "del", created * 0.2);
}

#[test]
fn the_preload_is_as_large_as_the_settings_say() {
    for (spec, ops) in [
        ("cache-aside:keys=1000", 1000),
        ("cache-aside:keys=1000:warm=0.25", 250),
        ("session:sessions=100", 200),
        ("leaderboard:players=1000:boards=3", 18),
        ("leaderboard:players=3:boards=10", 3),
        ("geo:couriers=1000", 1000),
        ("plain:keys=1000", 1000),
        ("plain:op=zadd:keys=1000:loaded=0.25", 250),
    ] {
        for clients in [1, 3] {
            let loaded: usize = (0..clients)
                .map(|client| {
                    let mut load = build(spec, 1, client, clients).unwrap();
                    std::iter::from_fn(|| load.preload()).count()
                })
                .sum();
            let grouped = spec.starts_with("leaderboard:players=1000");
            assert!(
                loaded == ops || clients > 1 && grouped,
                "{spec}: {loaded}, not {ops}"
            );
        }
    }
}

#[test]
fn clients_share_no_key_that_they_write() {
    for spec in [
        "cache-aside:keys=999",
        "session:sessions=99",
        "geo:couriers=999:areas=5",
        "plain:keys=999",
    ] {
        let mut owner = BTreeMap::new();
        for client in 0..4 {
            let mut load = build(spec, 1, client, 4).unwrap();
            while let Some(op) = load.preload() {
                let thing = if spec.starts_with("geo") {
                    &op[3]
                } else {
                    &op[0]
                };
                let first = *owner.entry(thing.to_vec()).or_insert(client);
                assert_eq!(first, client, "{op:?}");
            }
        }
        let all = if spec.starts_with("session") { 99 } else { 999 };
        assert_eq!(owner.len(), all, "{spec}");
    }
}

#[test]
fn every_number_has_a_source_and_every_preset_builds() {
    for definition in WORKLOADS {
        assert!(!definition.about.is_empty() && !definition.source.is_empty());
        for preset in definition.presets {
            let file = preset::read(definition.name, preset).unwrap();
            assert_eq!(
                file.entries.len(),
                definition.params.len(),
                "{}",
                preset.name
            );
            assert!(!file.about.is_empty());
            let spec = format!("{}:preset={}", definition.name, preset.name);
            build(&spec, 1, 0, 100).unwrap_or_else(|why| panic!("{spec}: {why}"));
        }
    }
}

/// A workload or a preset whose file is there and which no list has would never run.
#[test]
fn the_list_is_complete() {
    let folder = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        let files = std::fs::read_dir(path).unwrap();
        files
            .map(|file| file.unwrap().path())
            .filter(|path| path.is_file())
    };
    let defined = folder("src")
        .filter(|path| {
            let text = std::fs::read_to_string(path).unwrap();
            text.contains("pub static DEFINITION: Definition")
        })
        .count();
    assert_eq!(defined, WORKLOADS.len());
    let mut presets: Vec<String> = folder("presets")
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    presets.sort();
    let mut listed: Vec<String> = WORKLOADS
        .iter()
        .flat_map(|def| {
            def.presets
                .iter()
                .map(|preset| format!("{}.{}.toml", def.name, preset.name))
        })
        .collect();
    listed.sort();
    assert_eq!(presets, listed);
}

#[test]
fn what_is_not_accepted_is_named_with_what_is() {
    for (spec, words) in [
        (
            "nothing",
            "unknown workload `nothing`; accepted: cache-aside, session, leaderboard, geo",
        ),
        (
            "geo:cars=3",
            "has no parameter `cars`; accepted: couriers, places,",
        ),
        (
            "geo:couriers",
            "`couriers` in `geo:couriers` is not name=value",
        ),
        ("geo:couriers=1:couriers=2", "`couriers` is given twice"),
        ("geo:couriers=0", "accepted: a whole number from 1 to"),
        ("geo:couriers=1.5", "accepted: a whole number"),
        ("geo:couriers=NaN", "accepted: a whole number"),
        ("geo:couriers=-1", "accepted: a whole number"),
        ("geo:moves=1.01", "accepted: a number from 0 to 1"),
        ("geo:moves=", "accepted: a number from 0 to 1"),
        (
            "geo:preset=mars",
            "`preset` of `geo` cannot be `mars`; accepted: couriers",
        ),
        ("cache-aside:shares=1", "a preset"),
        ("cache-aside:writes=0.9:lone=0.2", "more than 1 together"),
        ("leaderboard:submits=0.9:tops=0.2", "more than 1 together"),
        ("leaderboard:players=1", "at least the number of clients"),
    ] {
        let Err(error) = build(spec, 1, 1, 2) else {
            panic!("{spec} was accepted");
        };
        assert!(error.to_string().contains(words), "{spec}: {error}");
    }
    let Err(error) = build("geo", 1, 2, 2) else {
        panic!("client 2 of 2 was accepted");
    };
    assert!(error.to_string().contains("client 2 of 2"), "{error}");
}
