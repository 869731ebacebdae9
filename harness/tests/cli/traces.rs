//! Traces: replayed to rows, and refused in clear words where they are not what they should be.

use serde_json::Value;

use crate::serving::Served;
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
    let help = must_end(here, &["replay", "--help"], 0, &[]);
    assert!(help.out.contains(":header=yes"), "{}", help.out);
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

#[test]
fn traces_are_converted_sampled_and_made_up() {
    let here = folder();
    let here = here.path();
    must_end(
        here,
        &["trace", "convert", "dev-session", "dev.swt"],
        0,
        &[],
    );
    must_end(here, &["trace", "convert", "dev.swt", "dev.csv"], 0, &[]);
    let csv = std::fs::read_to_string(here.join("dev.csv")).expect("written");
    assert!(csv.starts_with("# csv:object=1:time=2:size=3\n0,0,4096\n"));
    let facts = |arguments: &[&str]| -> Value {
        let call = [&["trace", "info", "--json"], arguments].concat();
        let ended = must_end(here, &call, 0, &[]);
        let mut facts: Value = serde_json::from_str(&ended.out).expect("one object");
        facts["trace"] = Value::Null;
        facts.as_object_mut().expect("an object").remove("made");
        facts
    };
    let ended = must_end(here, &["trace", "info", "dev.swt", "--json"], 0, &[]);
    assert!(
        ended
            .out
            .contains("\"made\":{\"verb\":\"convert\",\"source\":\"dev-session\"")
    );
    let original = facts(&["dev-session"]);
    assert_eq!(facts(&["dev.swt"]), original);
    let format = "csv:object=1:time=2:size=3";
    assert_eq!(facts(&["dev.csv", "--format", format]), original);

    let sample = ["trace", "sample", "dev.swt", "--rate", "0.1"];
    for name in ["a.swt", "b.swt"] {
        must_end(here, &[&sample[..], &[name]].concat(), 0, &[]);
    }
    let read = |name: &str| std::fs::read(here.join(name)).expect("written");
    assert_eq!(
        read("a.swt"),
        read("b.swt"),
        "the same seed, the same bytes"
    );
    let objects = facts(&["a.swt"])["objects"].as_f64().expect("a number");
    let share = objects / original["objects"].as_f64().expect("a number");
    assert!((share - 0.1).abs() < 0.01, "{share}");

    must_end(
        here,
        &["trace", "synthesize", "--like", "dev.swt", "twin.swt"],
        0,
        &[],
    );
    assert_eq!(facts(&["twin.swt"])["requests"], original["requests"]);
    let zipf = ["trace", "synthesize", "--zipf", "1.0", "--objects", "1000"];
    must_end(
        here,
        &[&zipf[..], &["--requests", "70000", "zipf.swt"]].concat(),
        0,
        &[],
    );
    let exponent = facts(&["zipf.swt"])["popularity_exponent"].as_f64();
    let exponent = exponent.expect("many ranks");
    assert!((exponent - 1.0).abs() < 0.05, "{exponent}");
    let names = [
        "a.swt", "b.swt", "dev.csv", "dev.swt", "twin.swt", "zipf.swt",
    ];
    assert_eq!(entries(here), names, "nothing half-written is left");
}

#[test]
fn what_cannot_be_written_is_told() {
    let here = folder();
    let here = here.path();
    let convert = |more: &[&'static str]| [&["trace", "convert", "dev-session"], more].concat();
    for (call, status, words) in [
        (convert(&["out.lis"]), 2, ["arc", "swt"]),
        (convert(&["out.dat"]), 2, ["out.dat", "oracle-general"]),
        (convert(&["out.csv.gz"]), 2, ["without compression", ".zst"]),
        (convert(&["out.x", "--to", "lirs"]), 2, ["lirs", "swt"]),
        (
            convert(&["no/where.swt"]),
            1,
            ["no/where.swt", "No such file"],
        ),
        (
            vec!["trace", "sample", "dev-session", "--rate", "1.5", "a.swt"],
            2,
            ["1.5", "below 1"],
        ),
        (
            vec!["trace", "sample", "dev-session", "--rate", "1e-9", "a.swt"],
            2,
            ["none of", "rate"],
        ),
        (
            vec!["trace", "synthesize", "a.swt"],
            2,
            ["--like", "--zipf"],
        ),
        (
            vec!["trace", "synthesize", "--zipf", "1", "a.swt"],
            2,
            ["--objects", "--requests"],
        ),
    ] {
        must_end(here, &call, status, &words);
    }
    assert!(entries(here).is_empty());
}

#[test]
fn a_live_server_is_recorded_without_its_keys() {
    let here = folder();
    let here = here.path();
    let served = Served::start(&[]);
    let address = served.address();
    let record = [
        "trace",
        "record",
        &*address,
        "--requests",
        "6",
        "--seconds",
        "30",
        "live.csv",
    ];
    let mut recorder = std::process::Command::new(assert_cmd::cargo::cargo_bin!("seawall"))
        .args(record)
        .current_dir(here)
        .spawn()
        .expect("the program starts");
    // What comes before the recorder listens is not told: so the same again, until it has enough.
    while recorder.try_wait().expect("a process").is_none() {
        served.ask("SET secret:1 value EX 60");
        served.ask("GET secret:1");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(recorder.wait().expect("it ended").success());
    let text = std::fs::read_to_string(here.join("live.csv")).expect("written");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        (lines.len(), lines[0]),
        (7, "# csv:object=1:time=2:size=3:op=4:ttl=5")
    );
    for line in &lines[1..] {
        let fields: Vec<&str> = line.split(',').collect();
        assert_eq!(fields[0], "0", "ids are dense");
        let told = (fields[2], fields[3], fields[4]);
        // A get that comes before any set has the key's bytes alone.
        assert!(
            [("13", "set", "60"), ("13", "get", "0"), ("8", "get", "0")].contains(&told),
            "{line}"
        );
    }
    let none = ["trace", "record", &*address, "--seconds", "1", "none.swt"];
    must_end(here, &none, 1, &["no request in 1 s"]);
    must_end(
        here,
        &["trace", "record", &*address, "x.swt"],
        2,
        &["--seconds", "--requests"],
    );
    drop(served);
    must_end(here, &none, 1, &[&*address]);
    assert_eq!(entries(here), ["live.csv"]);
}

#[test]
fn the_store_is_driven_beside_the_lab_and_a_folder_keeps_it() {
    let here = folder();
    let here = here.path();
    must_end(
        here,
        &["replay", "dev-session", "--live", "--policy", "belady"],
        2,
        &["--live", "sieve"],
    );
    let carried = ["replay", "dev-session", "--policy", "lru,belady"];
    for (more, words) in [
        (
            &["--live", "--ignore-size"][..],
            &["--live", "--ignore-size"],
        ),
        (&["--item-overhead", "much"], &["much", "store"]),
        (&["--size", "1%,5%,1%"], &["1% is given twice", "once"]),
        (&["--warmup", "100%"], &["100%", "20%"]),
        (&["--warmup", "400000"], &["400000", "dev-session"]),
        (&["--over-time", "1"], &["--over-time", "2..=1000"]),
        (&["--resume"], &["--resume", "--out"]),
    ] {
        must_end(here, &[&carried[..], more].concat(), 2, words);
    }
    must_end(
        here,
        &["trace", "convert", "dev-session", "dev.swt"],
        0,
        &[],
    );
    let file = ["replay", "dev.swt", "--policy", "lru,belady", "--stream"];
    let note = ["belady want it", "without --stream"];
    let streamed = must_end(here, &[&file[..], &["--json"]].concat(), 0, &note);
    let held = ["replay", "dev.swt", "--policy", "lru", "--json"];
    assert_eq!(must_end(here, &held, 0, &[]).out, streamed.out);
    must_end(
        here,
        &[&file[..], &["--live"]].concat(),
        2,
        &["--stream", "--live"],
    );
    // What the store keeps beside each object counts for both.
    let small = ["--size", "5%", "--item-overhead", "store", "--json"];
    let held = ["replay", "dev.swt", "--policy", "lru"];
    let held = must_end(here, &[&held[..], &small].concat(), 0, &[]);
    let streamed = must_end(here, &[&file[..], &small].concat(), 0, &note);
    assert_eq!(held.out, streamed.out);
    assert!(held.out.contains("\"item-overhead\":\"store\""));
    // What a replay took stands apart: the row of the lab is the same each time.
    let timed = [
        "--size",
        "5%",
        "--item-overhead",
        "store",
        "--timed",
        "--json",
    ];
    let timed = must_end(here, &[&file[..], &timed].concat(), 0, &note).out;
    assert!(timed.contains("\"target\":\"replay\"") && timed.ends_with(&held.out));
    let call = [
        &carried[..],
        &["--size", "5%", "--live", "--ignore-ops", "--out", "kept"],
    ]
    .concat();
    let ended = must_end(here, &call, 0, &["report: kept"]);
    let small = [&carried[..], &["--size", "100,4096", "--ignore-ops"]].concat();
    must_end(
        here,
        &small,
        0,
        &["size 100 (100 bytes)", "larger than the cache"],
    );
    assert!(
        ended.out.contains("The furthest apart are 0.00 points."),
        "{}",
        ended.out
    );
    let rows = std::fs::read_to_string(here.join("kept/rows.jsonl")).expect("rows");
    let live: Vec<bool> = rows
        .lines()
        .map(|line| line.contains(r#""live":true"#))
        .collect();
    assert_eq!(live, [false, false, true]);
    must_end(here, &call, 2, &["kept", "--resume"]);
    let resumed = [&call[..], &["--resume"]].concat();
    must_end(here, &resumed, 0, &["report: kept"]);
    assert_eq!(
        rows,
        std::fs::read_to_string(here.join("kept/rows.jsonl")).expect("rows")
    );
}

/// Rows of two traces of one name could not be told apart, nor those of another content or reading from those that are there.
#[test]
fn rows_are_of_one_trace_and_of_what_it_was() {
    let here = folder();
    let here = here.path();
    let write = |name: &str, text: &str| {
        let path = here.join(name);
        std::fs::create_dir_all(path.parent().expect("it has one")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    };
    write("p/x.txt", "1\n2\n3\n");
    write("q/x.txt", "1\n1\n1\n");
    write("f.csv", "1,1\n2,1\n3,2\n4,1\n");
    let replay = ["replay", "--ignore-size", "--policy", "lru", "--size", "1"];
    let both = [&replay[..], &["p/x.txt", "q/x.txt"]].concat();
    must_end(here, &both, 2, &["q/x.txt", "'x'", "different names"]);
    let twice = [&replay[..], &["p/x.txt", "p/x.txt"]].concat();
    must_end(here, &twice, 2, &["p/x.txt", "each once"]);

    let of = |format, more: &[&'static str]| {
        let call = [&replay[..], &["f.csv", "--out", "kept", "--format", format]].concat();
        [&call[..], more].concat()
    };
    let resume = ["--resume"];
    must_end(here, &of("csv:object=1", &[]), 0, &[]);
    must_end(here, &of("csv:object=1", &resume), 0, &[]);
    must_end(here, &of("csv:object=2", &resume), 2, &["kept", "another"]);
    must_end(
        here,
        &of("csv:object=1", &["--resume", "--timed"]),
        2,
        &["kept", "another"],
    );
    write("f.csv", "1,1\n1,1\n1,2\n1,1\n");
    must_end(here, &of("csv:object=1", &resume), 2, &["kept", "another"]);

    // As long as before, and the same at either end.
    let middle = |key: &str| format!("{}{key}\n{}", "1\n".repeat(1 << 17), "1\n".repeat(1 << 17));
    write("long.txt", &middle("2"));
    let long = [&replay[..], &["long.txt", "--out", "long"]].concat();
    must_end(here, &long, 0, &[]);
    write("long.txt", &middle("1"));
    let long = [&long[..], &resume].concat();
    must_end(here, &long, 2, &["long", "another"]);
}

#[test]
fn what_tells_nothing_or_is_lost_is_told_of() {
    let here = folder();
    let here = here.path();
    let few: Vec<String> = (0..50).map(|object: u32| object.to_string()).collect();
    std::fs::write(here.join("few.txt"), few.join("\n")).expect("a file");
    let sampled = [
        "replay",
        "few.txt",
        "--ignore-size",
        "--size",
        "10",
        "--sample",
    ];
    must_end(
        here,
        &[&sampled[..], &["0.001"]].concat(),
        2,
        &["--sample", "none of its 50"],
    );
    must_end(
        here,
        &[&sampled[..], &["0.9"]].concat(),
        0,
        &["note", "of its 50 objects"],
    );
    std::fs::write(here.join("ops.csv"), "1,1,get\n1,1,set\n1,1,delete\n").expect("a file");
    let convert = |to| {
        let format = "csv:object=1:size=2:op=3";
        ["trace", "convert", "ops.csv", to, "--format", format]
    };
    must_end(
        here,
        &convert("ops.oracleGeneral"),
        0,
        &["note", "deletes, which become gets", "2 requests"],
    );
    must_end(here, &convert("ops.txt"), 0, &["sizes", "3 requests"]);
    let sample = |to| {
        [
            &["trace", "sample"][..],
            &convert(to)[2..],
            &["--rate", "0.999"],
        ]
        .concat()
    };
    let told = ["note", "deletes, which become gets", "2 requests"];
    must_end(here, &sample("part.oracleGeneral"), 0, &told);
    let kept = must_end(here, &convert("ops.swt"), 0, &[]);
    assert!(!kept.err.contains("note"), "{}", kept.err);
    let large = format!("{},{}\n", 1, u64::from(u32::MAX) - 1);
    std::fs::write(here.join("large.csv"), large).expect("a file");
    let live = [
        "replay",
        "large.csv",
        "--format",
        "csv:object=1:size=2",
        "--live",
        "--policy",
        "lru",
    ];
    must_end(here, &live, 2, &["--live", "large", "536870912"]);
}
