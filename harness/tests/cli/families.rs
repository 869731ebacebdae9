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
    (
        "migrations",
        "engine/cluster/src/migration",
        "MEMBER: MigrationMember",
    ),
    ("faults", "harness/sim/src/fault", "MEMBER: FaultMember"),
    ("workloads", "workloads/src", "DEFINITION: Definition"),
    ("targets", "harness/bench/src/target", "TARGET: Target"),
    ("formats", "workloads/src/trace/format", "FORMAT: Format"),
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
    let families = FAMILIES
        .iter()
        .map(|family| family.0)
        .chain(["bounds", "validations"]);
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
        let mut files = members(&root().join(path), mark);
        assert!(!files.is_empty(), "{path} has files with {mark:?}");
        // Members broken on purpose prove the checkers; they are named, and never listed.
        files.retain(|name| !name.starts_with("broken-"));
        assert_eq!(
            files,
            names(&list, family),
            "files of {path} beside the list of {family}"
        );
    }
}

/// The names of the members whose files (or folders' `mod.rs`) are in `folder`: a member's file holds
/// `mark`, and its name after it.
fn members(folder: &Path, mark: &str) -> BTreeSet<String> {
    std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.file_name().is_some_and(|name| name != "mod.rs"))
        .map(|path| {
            if path.is_dir() {
                path.join("mod.rs")
            } else {
                path
            }
        })
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .filter_map(|text| {
            let (_, after) = text.split_once(mark)?;
            let (_, name) = after.split_once("name: \"")?;
            Some(name.split_once('"')?.0.to_owned())
        })
        .collect()
}

#[test]
fn a_file_that_is_in_no_list_is_noticed() {
    let here = folder();
    let text = "static MEMBER: ShardingMember = ShardingMember {\n    name: \"forgotten\",";
    std::fs::write(here.path().join("one.rs"), text).expect("a file");
    std::fs::write(
        here.path().join("mod.rs"),
        text.replace("forgotten", "list"),
    )
    .expect("a file");
    std::fs::write(here.path().join("part.rs"), "fn part() {}").expect("a file");
    std::fs::create_dir(here.path().join("two")).expect("a folder");
    std::fs::write(
        here.path().join("two/mod.rs"),
        text.replace("forgotten", "too"),
    )
    .expect("a file");
    let found = members(here.path(), "MEMBER: ShardingMember");
    assert_eq!(
        found,
        BTreeSet::from(["forgotten".to_owned(), "too".to_owned()])
    );
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
