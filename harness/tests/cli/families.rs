//! Families: what stands in a family's folder stands in its list, and the list is shown.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::{call, folder, root};

/// A family, where its files are, and the words by which a file is one of its members.
const FAMILIES: &[(&str, &str, &str)] = &[
    (
        "policies",
        "engine/store/src/evict",
        "const DESCRIPTION: Description",
    ),
    (
        "replications",
        "engine/cluster/src/replication",
        "MEMBER: ReplicationMember",
    ),
    (
        "shardings",
        "engine/cluster/src/sharding",
        "MEMBER: ShardingMember",
    ),
    ("faults", "harness/sim/src/fault", "MEMBER: FaultMember"),
    ("workloads", "workloads/src", "DEFINITION: Definition"),
    ("targets", "harness/bench/src/target", "TARGET: Target"),
    ("formats", "workloads/src/trace", "FORMAT: Format"),
    ("pages", "harness/report/src/page", "PAGE: Page"),
];

fn listed() -> Value {
    let here = folder();
    let ended = call(here.path(), &["list", "--json"]);
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    assert!(ended.err.is_empty(), "{}", ended.err);
    serde_json::from_str(&ended.out).expect("one JSON object")
}

fn names(list: &Value, family: &str) -> BTreeSet<String> {
    list[family]
        .as_array()
        .unwrap_or_else(|| panic!("{family} is not listed"))
        .iter()
        .map(|member| member["name"].as_str().expect("a name").to_owned())
        .collect()
}

#[test]
fn every_member_says_what_it_is_and_where_it_comes_from() {
    let list = listed();
    let families = FAMILIES.iter().map(|family| family.0).chain(["bounds"]);
    for family in families {
        let members = list[family]
            .as_array()
            .unwrap_or_else(|| panic!("{family} is not listed"));
        assert!(
            members.len() >= 2,
            "{family} has a trivial member and a real one"
        );
        for member in members {
            for field in ["name", "about", "source"] {
                let text = member[field].as_str().unwrap_or_default();
                assert!(
                    !text.trim().is_empty() && !text.contains('\n'),
                    "{family}: {member}"
                );
            }
        }
    }
}

#[test]
fn every_file_of_a_family_is_in_its_list() {
    let list = listed();
    for (family, path, mark) in FAMILIES {
        let files = members(&root().join(path), mark);
        assert!(!files.is_empty(), "{path} has files with {mark:?}");
        assert_eq!(
            files,
            names(&list, family),
            "files of {path} beside the list of {family}"
        );
    }
}

/// The names of the files in `folder` that hold `mark`, as lists spell them.
fn members(folder: &Path, mark: &str) -> BTreeSet<String> {
    std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .filter(|path| path.file_stem().is_some_and(|stem| stem != "mod"))
        .filter(|path| {
            std::fs::read_to_string(path)
                .expect("a source file")
                .contains(mark)
        })
        .map(|path| {
            path.file_stem()
                .expect("a name")
                .to_string_lossy()
                .replace('_', "-")
        })
        .collect()
}

#[test]
fn a_file_that_is_in_no_list_is_noticed() {
    let here = folder();
    let text = "pub static MEMBER: ShardingMember = ShardingMember {";
    std::fs::write(here.path().join("forgotten_one.rs"), text).expect("a file");
    std::fs::write(here.path().join("mod.rs"), text).expect("a file");
    std::fs::write(here.path().join("part_of_another.rs"), "fn part() {}").expect("a file");
    let found = members(here.path(), "MEMBER: ShardingMember");
    assert_eq!(found, BTreeSet::from(["forgotten-one".to_owned()]));
}

#[test]
fn one_family_alone() {
    let here = folder();
    let ended = call(here.path(), &["list", "targets"]);
    assert!(
        ended.out.contains("null") && ended.out.contains("embedded"),
        "{}",
        ended.out
    );
    assert!(!ended.out.contains("s3fifo"), "{}", ended.out);
}
