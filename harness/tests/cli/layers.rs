//! Who may know whom: the crates' dependencies, and the modules that some of them must not touch.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::root;

/// A crate and the crates of ours that it may know.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("seawall-sys", &[]),
    ("seawall-store", &["seawall-sys"]),
    ("seawall-cluster", &["seawall-store"]),
    ("seawall-workloads", &["seawall-store"]),
    (
        "seawall-server",
        &["seawall-sys", "seawall-store", "seawall-cluster"],
    ),
    (
        "seawall-bench",
        &[
            "seawall-sys",
            "seawall-store",
            "seawall-server",
            "seawall-workloads",
            "seawall-power",
            "seawall-report",
        ],
    ),
    ("seawall-power", &["seawall-store"]),
    (
        "seawall-lab",
        &["seawall-store", "seawall-workloads", "seawall-report"],
    ),
    (
        "seawall-sim",
        &[
            "seawall-store",
            "seawall-cluster",
            "seawall-workloads",
            "seawall-report",
        ],
    ),
    ("seawall-report", &[]),
];

#[test]
fn crates_know_only_whom_they_may() {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(root())
        .output()
        .expect("cargo starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let mut seen = BTreeSet::new();
    for package in metadata["packages"].as_array().expect("packages") {
        let name = package["name"].as_str().expect("a name");
        seen.insert(name.to_owned());
        if name == "seawall" {
            continue;
        }
        let Some((_, allowed)) = MAY_KNOW.iter().find(|(known, _)| *known == name) else {
            panic!("{name} has no place in MAY_KNOW");
        };
        // Tests may know more; what is built into the program may not.
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let other = dependency["name"].as_str().expect("a name");
            let ours = other.starts_with("seawall");
            let built_in = dependency["kind"] != "dev";
            assert!(
                !ours || !built_in || allowed.contains(&other),
                "{name} must not know {other}"
            );
        }
    }
    for (name, _) in MAY_KNOW {
        assert!(seen.contains(*name), "{name} is no crate any more");
    }
}

/// A crate's sources, the crate that it knows in part, and what of that it may use.
const IN_PART: &[(&str, &str, &[&str])] = &[
    ("workloads/src", "seawall_store::", OPS),
    ("engine/cluster/src", "seawall_store::", OPS),
    ("harness/bench/src", "seawall_report::", &["bar", "row"]),
    ("harness/power/src", "seawall_store::", &["disk"]),
    ("harness/lab/src", "seawall_report::", &["row"]),
    ("harness/sim/src", "seawall_report::", &["row"]),
];

/// The store's ops, what comes back from them, and where a key belongs; no shard, log or index.
const OPS: &[&str] = &[
    "Command",
    "CommandError",
    "Effects",
    "Millis",
    "Op",
    "Reply",
    "ReplyBuf",
    "Slot",
    "command",
    "effect",
    "op",
    "reply",
    "slot",
    "spec",
    "time",
];

#[test]
fn crates_use_only_the_part_that_they_may() {
    for (folder, other, allowed) in IN_PART {
        let sources = sources(&root().join(folder));
        assert!(!sources.is_empty(), "{folder} has sources");
        for path in sources {
            let text = std::fs::read_to_string(&path).expect("a source file");
            for used in uses(&text, other) {
                assert!(
                    allowed.contains(&used.as_str()),
                    "{} uses {other}{used}; it may use {allowed:?}",
                    path.display()
                );
            }
        }
    }
}

/// The first names after `other` in `text`, tests and comments left out.
fn uses(text: &str, other: &str) -> BTreeSet<String> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let code: String = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    let word = |text: &str| -> String {
        text.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices(other) {
        let rest = code[at + other.len()..].trim_start();
        let Some(list) = rest.strip_prefix('{') else {
            found.insert(word(rest));
            continue;
        };
        let mut depth = 0;
        let mut first = true;
        for (index, c) in list.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => first = true,
                _ if first && !c.is_whitespace() => {
                    found.insert(word(&list[index..]));
                    first = false;
                }
                _ => {}
            }
        }
    }
    found
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        let stem = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if stem.ends_with("tests") {
            continue;
        }
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

#[test]
fn a_forbidden_use_is_noticed() {
    let text = "use seawall_store::{Op, log::{Log, device}, time::Millis};\n\
                // seawall_store::Shard in a comment\n\
                fn f(x: seawall_store::keyspace::Keyspace) {}\n\
                #[cfg(test)]\nmod tests { use seawall_store::Shard; }\n";
    let found: Vec<String> = uses(text, "seawall_store::").into_iter().collect();
    assert_eq!(found, ["Op", "keyspace", "log", "time"]);
    assert!(!OPS.contains(&"log") && !OPS.contains(&"keyspace"));
}
