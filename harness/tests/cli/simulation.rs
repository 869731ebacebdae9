//! The simulator from outside: the same seed gives the same bytes, and scenarios are checked.

use serde_json::Value;

use crate::{call, file, folder, must_end};

fn rows(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a row"))
        .collect()
}

/// Replication, sharding and fault of a row, without parameters.
fn cell(row: &Value) -> Vec<String> {
    let fields = ["replication", "sharding", "fault"];
    let texts = fields
        .iter()
        .map(|field| row[*field].as_str().expect("a name"));
    texts
        .map(|text| text.split(':').next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_one_others() {
    // Whether every claim held is not asked here: the status is part of what must be the same.
    let seeded = |seed: &'static str, more: &'static [&'static str]| {
        std::thread::spawn(move || {
            let here = folder();
            let ended = call(
                here.path(),
                &[
                    &["simulate", "three-zones", "--seed", seed, "--json"][..],
                    more,
                ]
                .concat(),
            );
            assert!(matches!(ended.status, Some(0 | 3)), "{}", ended.err);
            (ended.status, ended.out)
        })
    };
    let (one, two) = (seeded("7", &[]), seeded("7", &[]));
    let one = one.join().expect("it ends");
    assert_eq!(one, two.join().expect("it ends"));

    let all = rows(&one.1);
    assert!(
        all.iter()
            .all(|row| row["kind"] == "sim" && row["seed"] == 7)
    );
    let cells = &["--replication", "none,async", "--sharding", "slots"];
    let other = rows(&seeded("8", cells).join().expect("it ends").1);
    assert!(!other.is_empty());
    for row in other {
        let same = all.iter().find(|base| cell(base) == cell(&row));
        let same = same.unwrap_or_else(|| panic!("{row} is a cell of the whole scenario"));
        assert_ne!(same["event_hash"], row["event_hash"], "{row}");
    }
}

#[test]
fn a_broken_claim_ends_with_status_3() {
    let here = folder();
    let call = [
        "simulate",
        "three-zones",
        "--replication",
        "broken-quorum",
        "--sharding",
        "slots",
        "--seeds",
        "3",
    ];
    must_end(
        here.path(),
        &call,
        3,
        &["broke a claim", "broken-quorum", "--seed"],
    );
}

#[test]
fn published_figures_are_measured() {
    let here = folder();
    let ended = call(here.path(), &["simulate", "--validate", "--json"]);
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    let rows = rows(&ended.out);
    assert!(rows.iter().all(|row| row["kind"] == "validation"));
    let within = |id: &str| {
        let row = rows.iter().find(|row| row["id"] == id);
        row.unwrap_or_else(|| panic!("{id} is listed"))["within"].clone()
    };
    assert_eq!((within("V1"), within("V26")), (true.into(), Value::Null));
    must_end(
        here.path(),
        &["simulate", "--validate", "--seeds", "2"],
        2,
        &["--seeds"],
    );
}

#[test]
fn scenarios_are_checked() {
    let here = folder();
    let here = here.path();
    must_end(
        here,
        &["simulate", "--replication", "frob"],
        2,
        &["frob", "quorum"],
    );
    must_end(
        here,
        &["simulate", "--sharding", "frob"],
        2,
        &["frob", "slots"],
    );
    must_end(here, &["simulate", "--seeds", "0"], 2, &["--seeds"]);
    must_end(
        here,
        &["simulate", "--seed", "18446744073709551615"],
        2,
        &["2^64"],
    );
    must_end(here, &["simulate", "nowhere.toml"], 2, &["nowhere.toml"]);
    for (text, words) in [
        ("zones = 3\nzoness = 3\n", [":2: ", "zoness"]),
        ("zones = 3\nshards = 0\n", [":2: ", "shards"]),
        ("faults = [\"flood\"]\n", [":1: ", "zone-down"]),
        ("clients_per_zone = 0\n", [":1: ", "1 to 64"]),
        ("\nreplications = [\"wait:n=3\"]\n", [":2: ", "1 to 2"]),
        (
            "[[schedule]]\nat_ms = 5000\naction = \"cut\"\nzone = 3\n",
            [":1: ", "0 to 2"],
        ),
        (
            "[[schedule]]\nat_ms = 5000\naction = \"cut\"\nzone = 0\n\
             [[schedule]]\nat_ms = 4000\naction = \"heal\"\nzone = 0\n",
            [":5: ", "5000 and more"],
        ),
        ("faults = [\"schedule\"]\n", [":1: ", "[[schedule]]"]),
        ("zones = \n", [":1: ", "storm.toml"]),
    ] {
        file(here, "storm.toml", text);
        must_end(here, &["simulate", "storm.toml"], 2, &words);
    }
    assert_eq!(call(here, &["simulate", "storm.toml"]).out, "");
}

#[test]
fn one_command_makes_the_report() {
    let here = folder();
    let here = here.path();
    let into_folder = [
        "simulate",
        "three-zones",
        "--replication",
        "none",
        "--sharding",
        "slots",
        "--fault",
        "node-crash",
        "--out",
        "storms",
    ];
    let ended = call(here, &into_folder);
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    assert!(ended.err.contains("storms/report.html"), "{}", ended.err);
    let report = std::fs::read_to_string(here.join("storms/report.md")).expect("it is written");
    assert!(report.contains("| node-crash | none |"), "{report}");
    let kept = || std::fs::read_to_string(here.join("storms/rows.jsonl")).expect("rows");
    let first = kept();
    let row = &rows(&first)[0];
    let answered = row["timeline"]["answered"].as_array().expect("slices");
    assert!(answered.len() > 10 && answered.len() <= 120, "{row}");

    must_end(here, &into_folder, 2, &["storms", "--resume"]);
    let more = [&into_folder[..], &["--seeds", "2", "--resume"]].concat();
    let ended = call(here, &more);
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    let (both, one) = (kept(), first);
    assert!(both.starts_with(&one) && rows(&both).len() == 2, "{both}");
}
