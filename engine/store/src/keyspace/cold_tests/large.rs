//! What the first op on a large collection waits for, all of whose blocks are cold.

use std::fmt::Write as _;
use std::time::Instant;

use super::*;

/// Elements of the collection, and how many a command adds.
const ELEMENTS: usize = 1_000_000;
const TOGETHER: usize = 1_000;

#[test]
#[ignore = "a figure, not a promise: `just figures` prints it"]
fn how_long_the_first_op_on_a_cold_large_collection_takes() {
    let config = ShardConfig {
        seed: ShardConfig::seed_of(7, 0),
        ..ShardConfig::default()
    };
    let folder = tempfile::tempdir().unwrap();
    for (add, read) in [
        ("zadd large", "zscore large member:7"),
        ("hset large", "hget large member:7"),
        ("sadd large", "sismember large member:7"),
        ("rpush large", "llen large"),
    ] {
        let mut warm = Shard::new(&config);
        for from in (0..ELEMENTS).step_by(TOGETHER) {
            let mut words = add.to_owned();
            for number in from..from + TOGETHER {
                // Sorted sets and hashes take pairs, the others elements.
                let written = match &add[..4] {
                    "zadd" => write!(words, " {number} member:{number}"),
                    "hset" => write!(words, " member:{number} {number}"),
                    _ => write!(words, " member:{number}"),
                };
                written.unwrap();
            }
            run(&mut warm, &op(&words));
        }
        let path = folder.path().join("s");
        let bytes = snapshot_of(&mut warm, Codec::Plain);
        std::fs::write(&path, &bytes).unwrap();
        let mut cold = Shard::new(&config);
        let reader = Reader::open(&path).unwrap();
        assert!(cold.keyspace().open_cold(reader).is_ok());
        let begun = Instant::now();
        let said = run(&mut cold, &op(read));
        let first = begun.elapsed();
        assert_eq!(said, run(&mut warm, &op(read)));
        let begun = Instant::now();
        run(&mut cold, &op(read));
        let second = begun.elapsed();
        println!(
            "{read}: {first:?}, then {second:?}; {} bytes of snapshot",
            bytes.len()
        );
    }
}
