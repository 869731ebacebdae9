//! Topology and placement on machines that are not here.
//!
//! A fixture is the output of `grep -r . cpu node` in `/sys/devices/system` (`path:content`), cut to
//! the files that are read; `#` begins a comment, and a path on several lines has several lines.
//! [`unpack`] makes the folder of it. Broken machines are made from whole ones by changing a file.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use seawall_sys::topology::{
    CacheKind, PlaceError, Placement, SYSFS_ROOT, Topology, TopologyError, place,
};
use tempfile::TempDir;

fn unpack(machine: &str) -> TempDir {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(machine);
    let text = fs::read_to_string(&path).unwrap();
    let mut files: BTreeMap<&str, String> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (path, content) = line.split_once(':').expect("path:content");
        let file = files.entry(path).or_default();
        file.push_str(content);
        file.push('\n');
    }
    let root = tempfile::tempdir().unwrap();
    for (path, content) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    root
}

fn read(machine: &str) -> Topology {
    Topology::read(unpack(machine).path()).unwrap()
}

fn all_cpus(topology: &Topology) -> Vec<usize> {
    topology.cpus.iter().map(|cpu| cpu.id).collect()
}

fn cpus_of(placements: &[Placement]) -> Vec<usize> {
    placements.iter().map(|placement| placement.cpu).collect()
}

fn shards_by_node(placements: &[Placement]) -> BTreeMap<usize, usize> {
    let mut counts = BTreeMap::new();
    for placement in placements {
        *counts.entry(placement.node).or_default() += 1;
    }
    counts
}

#[test]
fn two_nodes_are_read() {
    let machine = read("two-node.tree");
    assert!(machine.is_numa());
    assert_eq!(machine.nodes.len(), 2);
    assert_eq!(machine.nodes[1].cpus, [4, 5, 6, 7, 12, 13, 14, 15]);
    assert_eq!(machine.nodes[1].distances, [21, 10]);
    assert_eq!(machine.nodes[0].memory_bytes, 64 << 30);
    assert_eq!(machine.cpus.len(), 16);
    assert_eq!(machine.cpus[13].core, 5);
    // Three private caches a core, and one that a socket shares.
    assert_eq!(machine.caches.len(), 8 * 3 + 2);
    let last = machine.caches.last().unwrap();
    assert_eq!((last.level, last.kind), (3, CacheKind::Unified));
    assert_eq!((last.bytes, &last.cpus), (16 << 20, &machine.nodes[1].cpus));
    assert_eq!(
        machine.to_string(),
        "2 NUMA nodes, 16 CPUs: node 0 with 8 CPUs and 64 GiB, node 1 with 8 CPUs and 64 GiB"
    );
}

#[test]
fn shards_alternate_between_two_nodes_and_fill_cores_before_threads() {
    let machine = read("two-node.tree");
    let placements = place(16, &machine, &all_cpus(&machine)).unwrap();
    let cores_then_threads = [0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15];
    assert_eq!(cpus_of(&placements), cores_then_threads);
    assert_eq!(
        shards_by_node(&placements),
        BTreeMap::from([(0, 8), (1, 8)])
    );
    for (i, placement) in placements.iter().enumerate() {
        assert_eq!((placement.shard, placement.worker), (i, i));
        assert!(
            machine
                .node(placement.node)
                .unwrap()
                .cpus
                .contains(&placement.cpu)
        );
    }
}

#[test]
fn more_shards_than_cpus_go_round_the_workers() {
    let machine = read("two-node.tree");
    let placements = place(7, &machine, &[0, 5, 12]).unwrap();
    // Node 1 has more allowed cores, so it comes first.
    assert_eq!(cpus_of(&placements), [5, 0, 12, 5, 0, 12, 5]);
    assert_eq!(placements[6].worker, 0);
    assert_eq!(place(0, &machine, &[0]).unwrap(), []);
}

#[test]
fn few_shards_stay_near_each_other() {
    let machine = read("four-node.tree");
    let everywhere = all_cpus(&machine);
    let nodes = |shards, allowed: &[usize]| -> Vec<usize> {
        place(shards, &machine, allowed)
            .unwrap()
            .iter()
            .map(|p| p.node)
            .collect()
    };
    assert_eq!(nodes(4, &everywhere), [0, 1, 2, 3]);
    assert_eq!(nodes(2, &everywhere), [0, 1]);
    // Without node 0's CPUs the nearest pair is 2 and 3, but node 1 has as many cores and comes
    // before them; with one core of node 1 only, the pair wins.
    assert_eq!(nodes(2, &everywhere[4..]), [1, 2]);
    assert_eq!(nodes(2, &everywhere[7..]), [2, 3]);
    let counts = shards_by_node(&place(64, &machine, &everywhere).unwrap());
    assert_eq!(counts.into_values().collect::<Vec<_>>(), [16; 4]);
}

#[test]
fn offline_cpus_and_nodes_without_cpus_or_memory() {
    let machine = read("tiered.tree");
    let ids: Vec<usize> = machine.nodes.iter().map(|node| node.id).collect();
    assert_eq!(ids, [0, 1, 2, 4]);
    assert_eq!(machine.nodes[0].cpus, [0, 1, 3, 8, 9, 11]);
    assert!(machine.node(4).unwrap().cpus.is_empty());
    assert_eq!(machine.node(1).unwrap().memory_bytes, 0);
    assert!(machine.node(3).is_none());
    // The mask names offline CPUs too: nobody is pinned to them.
    let placements = place(13, &machine, &(0..16).collect::<Vec<_>>()).unwrap();
    let mut cpus = cpus_of(&placements);
    cpus.sort_unstable();
    assert_eq!(cpus, all_cpus(&machine));
    for placement in placements {
        // Node 1 has no memory; node 4 is nearest to it.
        let node = if machine.nodes[1].cpus.contains(&placement.cpu) {
            4
        } else {
            0
        };
        assert_eq!(placement.node, node);
    }
}

#[test]
fn a_mask_without_online_cpus_is_an_error() {
    let machine = read("tiered.tree");
    for allowed in [&[][..], &[2, 10, 15, 99]] {
        let error = place(1, &machine, allowed).unwrap_err();
        let PlaceError::NoCpu {
            allowed: told,
            online,
        } = &error;
        assert_eq!(told, allowed);
        assert_eq!(online, &all_cpus(&machine));
        assert!(error.to_string().starts_with("no CPU to run on"), "{error}");
    }
}

#[test]
fn every_mask_spreads_as_evenly_as_it_can() {
    let machine = read("four-node.tree");
    for mask in 1..1u32 << 16 {
        if mask % 97 != 0 {
            continue;
        }
        let allowed: Vec<usize> = (0..16).filter(|&cpu| mask >> cpu & 1 == 1).collect();
        let placements = place(allowed.len(), &machine, &allowed).unwrap();
        let mut cpus = cpus_of(&placements);
        cpus.sort_unstable();
        assert_eq!(
            cpus, allowed,
            "mask {mask:#x}: every allowed CPU has one worker"
        );
        let few = place(allowed.len().min(4), &machine, &allowed).unwrap();
        let nodes = allowed
            .iter()
            .map(|cpu| cpu / 4)
            .collect::<std::collections::BTreeSet<_>>();
        let used = shards_by_node(&few).len();
        assert_eq!(used, few.len().min(nodes.len()), "mask {mask:#x}");
    }
}

#[test]
fn a_machine_of_one_node_says_so() {
    let root = unpack("two-node.tree");
    fs::remove_dir_all(root.path().join("node")).unwrap();
    let machine = Topology::read(root.path()).unwrap();
    assert!(!machine.is_numa());
    assert_eq!(
        machine.to_string(),
        "one NUMA node, 16 CPUs: no placement by node"
    );
    let placements = place(8, &machine, &all_cpus(&machine)).unwrap();
    assert_eq!(cpus_of(&placements), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert!(placements.iter().all(|placement| placement.node == 0));
}

#[test]
fn bad_trees_are_errors_that_name_the_file() {
    let cases = [
        ("cpu/online", "", "at least one CPU"),
        ("cpu/online", "3-1\n", "an ascending list"),
        ("cpu/online", "0-99999999999\n", "an ascending list"),
        ("node/online", "\n", "at least one node"),
        (
            "node/node0/distance",
            "10\n",
            "one number for each of 2 nodes",
        ),
        ("node/node1/distance", "21 ten\n", "one number for each"),
        ("node/node1/meminfo", "Node 1 MemFree: 5 kB\n", "MemTotal"),
        (
            "node/node1/meminfo",
            "Node 1 MemTotal: 99999999999999999999 kB\n",
            "MemTotal",
        ),
        ("node/node1/cpulist", "0-7,12-15\n", "not in node 0 too"),
        ("node/node1/cpulist", "four\n", "an ascending list"),
        (
            "cpu/cpu3/cache/index2/size",
            "large\n",
            "a size such as 32K",
        ),
        (
            "cpu/cpu3/cache/index2/type",
            "Trace\n",
            "Data, Instruction or Unified",
        ),
        ("cpu/cpu3/cache/index2/level", "0\n", "a level from 1 to 9"),
        (
            "cpu/cpu9/topology/thread_siblings_list",
            "11\n",
            "with CPU 9 in it",
        ),
    ];
    for (file, content, accepted) in cases {
        let root = unpack("two-node.tree");
        fs::write(root.path().join(file), content).unwrap();
        let error = Topology::read(root.path()).expect_err(file);
        let message = error.to_string();
        assert!(message.contains(accepted), "{file} {content:?}: {message}");
        if let TopologyError::Malformed { path, .. } = &error {
            assert!(path.ends_with(file), "{file}: {message}");
        }
        fs::remove_file(root.path().join(file)).unwrap();
        match Topology::read(root.path()) {
            // A core without the file has no siblings.
            Ok(machine) => {
                assert!(file.ends_with("thread_siblings_list"), "{file}");
                assert_eq!(machine.cpus[9].core, 9);
            }
            Err(error) => assert!(error.to_string().contains(file), "{file}: {error}"),
        }
    }
}

#[test]
fn files_that_disagree_are_errors() {
    for (file, content, told) in [
        ("node/node1/cpulist", "5-7,12-15\n", "CPU 4 is in none"),
        (
            "node/online",
            "0\n",
            "node0/distance: one number for each of 1 nodes",
        ),
        (
            "node/online",
            "0-2\n",
            "node0/distance: one number for each of 3 nodes",
        ),
        (
            "cpu/online",
            "0-16\n",
            "node/online: nodes that hold every online CPU",
        ),
    ] {
        let root = unpack("two-node.tree");
        fs::write(root.path().join(file), content).unwrap();
        let message = Topology::read(root.path()).unwrap_err().to_string();
        assert!(message.contains(told), "{file} {content:?}: {message}");
    }
}

#[test]
fn this_machine_can_be_read() {
    let machine = Topology::of_machine().unwrap();
    assert_eq!(machine, &Topology::read(Path::new(SYSFS_ROOT)).unwrap());
    let placements = place(4, machine, seawall_sys::pin::allowed()).unwrap();
    assert_eq!(placements.len(), 4);
    println!("{machine}");
}
