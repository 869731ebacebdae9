//! Traces: replayed to rows, and refused in clear words where they are not what they should be.

use serde_json::Value;

use crate::{call, entries, file, folder, must_end};

/// A record of libCacheSim's `oracleGeneral`.
fn record(time_s: u32, id: u64, bytes: u32, next: i64) -> Vec<u8> {
    let mut record = time_s.to_le_bytes().to_vec();
    record.extend(id.to_le_bytes());
    record.extend(bytes.to_le_bytes());
    record.extend(next.to_le_bytes());
    record
}

#[test]
fn words_of_the_command_line() {
    let here = folder();
    let here = here.path();
    must_end(here, &["replay"], 2, &["TRACE"]);
    must_end(
        here,
        &["replay", "nowhere.csv"],
        2,
        &["nowhere.csv", "dev-session"],
    );
    must_end(here, &["replay", "."], 2, &["folder"]);
    let carried = |more: [&'static str; 2]| ["replay", "dev-session", more[0], more[1]];
    must_end(
        here,
        &carried(["--policy", "frob"]),
        2,
        &["frob", "sieve", "belady"],
    );
    must_end(
        here,
        &carried(["--policy", "clock:frob=1"]),
        2,
        &["frob", "bits"],
    );
    must_end(
        here,
        &carried(["--policy", "clock:bits=99"]),
        2,
        &["bits", "99"],
    );
    must_end(
        here,
        &carried(["--size", "lots"]),
        2,
        &["lots", "64mib", "0.1%"],
    );
    must_end(here, &carried(["--size", "0"]), 2, &["'0'", "4096"]);
    must_end(
        here,
        &carried(["--format", "frob"]),
        2,
        &["frob", "oracle-general"],
    );
    must_end(
        here,
        &["replay", "dev-session", "--ignore-size", "--size", "64mib"],
        2,
        &["64mib"],
    );
    must_end(here, &["trace", "frob"], 2, &["frob"]);
    must_end(here, &["trace", "info", "nowhere.csv"], 2, &["nowhere.csv"]);
    file(here, "what.dat", b"1\n2\n");
    must_end(
        here,
        &["replay", "what.dat"],
        2,
        &["what.dat", "oracle-general", "csv"],
    );
    assert_eq!(entries(here), ["what.dat"]);
}

#[test]
fn damaged_files() {
    let here = folder();
    let whole = [record(1, 7, 100, -1), record(2, 8, 100, -1)].concat();
    let text = b"GET /index.html HTTP/1.0\r\nGET /about.html HTTP/1.0\r\nGET /\r\n".repeat(4);
    let cases: [(&str, Vec<u8>, &[&str]); 8] = [
        ("cut.oracleGeneral", whole[..40].to_vec(), &["byte 24"]),
        ("text.oracleGeneral", text, &["text"]),
        ("empty.oracleGeneral", Vec::new(), &["no request"]),
        ("wrong.oracleGeneral.zst", whole.clone(), &["byte 0", "zst"]),
        ("cut.oracleGeneral.gz", vec![0x1f, 0x8b, 8, 0, 0, 0], &[]),
        (
            "absurd.lis",
            b"1 99999999999999 0 1\n".to_vec(),
            &["line 1"],
        ),
        (
            "letters.trc",
            b"1\n2\nthree\n".to_vec(),
            &["line 3", "three"],
        ),
        ("cut.i64be", vec![0, 0, 0, 0, 0, 0, 0, 1, 0, 0], &["byte 8"]),
    ];
    for (name, bytes, words) in cases {
        file(here.path(), name, bytes);
        let mut words = words.to_vec();
        words.push(name);
        for call in [&["replay", name, "--json"][..], &["trace", "info", name]] {
            let ended = must_end(here.path(), call, 2, &words);
            assert_eq!(ended.out, "", "{name}: nothing on standard output");
        }
    }
}

#[test]
fn a_suite_names_the_trace_that_is_damaged() {
    let here = folder();
    file(here.path(), "bad.txt.gz", b"\x1f\x8bnonsense");
    let suite = "name = \"lab\"\n[[lab]]\ntraces = [\"bad.txt.gz\"]\nsizes = \"1\"\n";
    file(here.path(), "lab.toml", suite);
    must_end(
        here.path(),
        &["run", "lab.toml", "--out", "run"],
        2,
        &["bad.txt.gz"],
    );
    for (right, wrong, words) in [
        ("bad.txt.gz", "none.txt", [":3: ", "none.txt"]),
        ("sizes = \"1\"", "sizes = \"one\"", [":4: ", "one"]),
        (
            "sizes = \"1\"",
            "sizes = \"1\"\npolicies = \"frob\"",
            [":5: ", "belady"],
        ),
        (
            "sizes = \"1\"",
            "sizes = \"1\"\nformat = \"frob\"",
            [":5: ", "oracle-general"],
        ),
        ("[[lab]]", "[[sim]]\nseeds = 0\n[[lab]]", [":3: ", "seeds"]),
        (
            "[[lab]]",
            "[[sim]]\nreplications = [\"frob\"]\n[[lab]]",
            [":3: ", "quorum"],
        ),
        (
            "[[lab]]",
            "[[sim]]\nscenario = \"none.toml\"\n[[lab]]",
            [":3: ", "none.toml"],
        ),
    ] {
        file(here.path(), "wrong.toml", suite.replace(right, wrong));
        must_end(
            here.path(),
            &["run", "wrong.toml", "--out", "other"],
            2,
            &words,
        );
    }
    assert!(!here.path().join("other").exists());
}

#[test]
fn rows_hold_the_misses() {
    let here = folder();
    // Two objects in turn: a cache of one never hits; a cache of two misses each once.
    let keys: String = (0..50).flat_map(|_| ["a\n", "b\n"]).collect();
    file(here.path(), "turn.txt", keys);
    let call = [
        "replay",
        "turn.txt",
        "--ignore-size",
        "--policy",
        "lru,belady",
    ];
    let ended = must_end(
        here.path(),
        &[&call[..], &["--size", "1,2", "--json"]].concat(),
        0,
        &[],
    );
    let rows: Vec<Value> = ended
        .out
        .lines()
        .map(|line| serde_json::from_str(line).expect("a row"))
        .collect();
    let misses: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row["policy"].as_str(),
                row["size"].as_u64(),
                row["misses"].as_u64(),
            )
        })
        .collect();
    assert_eq!(misses[0], (Some("lru"), Some(1), Some(100)));
    assert_eq!(misses[1], (Some("lru"), Some(2), Some(2)));
    assert_eq!(misses[3], (Some("belady"), Some(2), Some(2)));
    assert_eq!(rows[0]["requests"], 100);
    assert!(ended.err.is_empty(), "{}", ended.err);
}

#[test]
fn the_carried_trace_is_there() {
    let here = folder();
    let ended = call(here.path(), &["trace", "info", "dev-session", "--json"]);
    let facts: Value = serde_json::from_str(&ended.out).expect("one object");
    assert!(facts["requests"].as_u64() >= Some(300_000), "{facts}");
    assert!(facts["objects"].as_u64() > Some(1000), "{facts}");
    assert!(entries(here.path()).is_empty());
}
