//! The files of `/sys/devices/system`, read into a [`Topology`].
//!
//! The one idea: nothing is guessed. A file that should be there and is not, or that does not parse,
//! is an error with its name; only what kernels truly leave out (`node/` without NUMA, `cache/` in
//! some virtual machines, `topology/` of a core without siblings) has a stated substitute. Numbers
//! are bounded, so that a hostile tree costs no memory.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Cache, CacheKind, Cpu, Node, Topology, TopologyError};

/// More CPUs or nodes than Linux can be built for.
const ID_MAX: usize = 65_535;

/// Reads the tree below `root`.
pub(super) fn read(root: &Path) -> Result<Topology, TopologyError> {
    let online_path = root.join("cpu/online");
    let online = read_ids(&online_path)?;
    if online.is_empty() {
        return Err(malformed(&online_path, "at least one CPU", ""));
    }
    let nodes = read_nodes(root, &online)?;
    let mut cpus = Vec::with_capacity(online.len());
    let mut caches = Vec::new();
    for &id in &online {
        let folder = root.join(format!("cpu/cpu{id}"));
        cpus.push(read_cpu(&folder, id, &online)?);
        read_caches(&folder.join("cache"), &online, &mut caches)?;
    }
    caches.sort();
    caches.dedup();
    Ok(Topology {
        nodes,
        cpus,
        caches,
    })
}

fn read_nodes(root: &Path, online_cpus: &[usize]) -> Result<Vec<Node>, TopologyError> {
    let folder = root.join("node");
    if !folder.exists() {
        return Ok(vec![Node {
            id: 0,
            cpus: online_cpus.to_vec(),
            memory_bytes: 0,
            distances: vec![10],
        }]);
    }
    let online_path = folder.join("online");
    let ids = read_ids(&online_path)?;
    if ids.is_empty() {
        return Err(malformed(&online_path, "at least one node", ""));
    }
    let mut nodes: Vec<Node> = Vec::with_capacity(ids.len());
    for &id in &ids {
        let folder = folder.join(format!("node{id}"));
        let cpus_path = folder.join("cpulist");
        let mut cpus = read_ids(&cpus_path)?;
        cpus.retain(|cpu| online_cpus.binary_search(cpu).is_ok());
        if let Some(other) = nodes
            .iter()
            .find(|node| node.cpus.iter().any(|c| cpus.contains(c)))
        {
            let what = format!("CPUs that are not in node {} too", other.id);
            return Err(malformed(&cpus_path, &what, &read_text(&cpus_path)?));
        }
        nodes.push(Node {
            id,
            cpus,
            memory_bytes: read_memory(&folder.join("meminfo"))?,
            distances: read_distances(&folder.join("distance"), ids.len())?,
        });
    }
    let homeless = online_cpus
        .iter()
        .find(|cpu| !nodes.iter().any(|node| node.cpus.contains(cpu)));
    if let Some(cpu) = homeless {
        let what = format!("nodes that hold every online CPU (CPU {cpu} is in none)");
        return Err(malformed(&online_path, &what, &read_text(&online_path)?));
    }
    Ok(nodes)
}

/// `Node 0 MemTotal:       15952092 kB`, among other lines.
fn read_memory(path: &Path) -> Result<u64, TopologyError> {
    let text = read_text(path)?;
    let total = text
        .lines()
        .find_map(|line| line.split_once("MemTotal:"))
        .and_then(|(_, rest)| rest.trim().strip_suffix(" kB"))
        .and_then(|kib| kib.trim().parse::<u64>().ok())
        .and_then(|kib| kib.checked_mul(1024));
    total.ok_or_else(|| malformed(path, "a line 'MemTotal: NUMBER kB'", &text))
}

fn read_distances(path: &Path, nodes: usize) -> Result<Vec<u32>, TopologyError> {
    let text = read_text(path)?;
    let distances: Option<Vec<u32>> = text
        .split_ascii_whitespace()
        .map(|word| word.parse().ok())
        .collect();
    distances
        .filter(|distances| distances.len() == nodes)
        .ok_or_else(|| {
            malformed(
                path,
                &format!("one number for each of {nodes} nodes"),
                &text,
            )
        })
}

fn read_cpu(folder: &Path, id: usize, online: &[usize]) -> Result<Cpu, TopologyError> {
    let path = folder.join("topology/thread_siblings_list");
    let core = match read_ids(&path) {
        Ok(siblings) => siblings
            .into_iter()
            .find(|sibling| online.binary_search(sibling).is_ok())
            .filter(|&core| core <= id)
            .ok_or_else(|| {
                let what = format!("a list of online CPUs with CPU {id} in it");
                malformed(&path, &what, &read_text(&path).unwrap_or_default())
            })?,
        Err(error) if is_missing(&error) => id,
        Err(error) => return Err(error),
    };
    Ok(Cpu { id, core })
}

fn read_caches(
    folder: &Path,
    online: &[usize],
    caches: &mut Vec<Cache>,
) -> Result<(), TopologyError> {
    // Indexes are dense: the first that is missing ends them.
    for index in 0..=ID_MAX {
        let folder = folder.join(format!("index{index}"));
        if !folder.exists() {
            break;
        }
        let mut cpus = read_ids(&folder.join("shared_cpu_list"))?;
        cpus.retain(|cpu| online.binary_search(cpu).is_ok());
        caches.push(Cache {
            level: read_word(&folder.join("level"), "a level from 1 to 9", |word| {
                word.parse().ok().filter(|level| (1..=9).contains(level))
            })?,
            kind: read_word(
                &folder.join("type"),
                "Data, Instruction or Unified",
                |word| match word {
                    "Data" => Some(CacheKind::Data),
                    "Instruction" => Some(CacheKind::Instruction),
                    "Unified" => Some(CacheKind::Unified),
                    _ => None,
                },
            )?,
            cpus,
            bytes: read_word(&folder.join("size"), "a size such as 32K", parse_size)?,
        });
    }
    Ok(())
}

/// `32K`, `8M`, `512`.
fn parse_size(word: &str) -> Option<u64> {
    let digits = word.trim_end_matches(['K', 'M', 'G']);
    let unit: u64 = match &word[digits.len()..] {
        "" => 1,
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

fn read_word<T>(
    path: &Path,
    what: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, TopologyError> {
    let text = read_text(path)?;
    parse(text.trim()).ok_or_else(|| malformed(path, what, &text))
}

/// A list such as `0-3,8,10-11`, ascending and without duplicates; an empty file is an empty list.
fn read_ids(path: &Path) -> Result<Vec<usize>, TopologyError> {
    let text = read_text(path)?;
    list(text.trim()).ok_or_else(|| {
        let what = format!("an ascending list such as 0-3,8 of numbers up to {ID_MAX}");
        malformed(path, &what, &text)
    })
}

/// The numbers of an ascending list as the kernel writes it, `0-3,8`.
pub(crate) fn list(text: &str) -> Option<Vec<usize>> {
    let mut ids: Vec<usize> = Vec::new();
    if text.is_empty() {
        return Some(ids);
    }
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
        let ascends = ids.last().is_none_or(|&before| before < first);
        if !ascends || first > last || last > ID_MAX {
            return None;
        }
        ids.extend(first..=last);
    }
    Some(ids)
}

fn read_text(path: &Path) -> Result<String, TopologyError> {
    fs::read_to_string(path).map_err(|source| TopologyError::Read {
        path: path.to_owned(),
        source,
    })
}

fn is_missing(error: &TopologyError) -> bool {
    matches!(error, TopologyError::Read { source, .. } if source.kind() == io::ErrorKind::NotFound)
}

fn malformed(path: &Path, what: &str, found: &str) -> TopologyError {
    TopologyError::Malformed {
        path: PathBuf::from(path),
        what: format!("{what} is accepted"),
        found: found.trim_end().chars().take(80).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sizes() {
        assert_eq!(parse_size("32K"), Some(32 << 10));
        assert_eq!(parse_size("8M"), Some(8 << 20));
        assert_eq!(parse_size("512"), Some(512));
        for wrong in ["", "K", "32KK", "-1K", "32k", "99999999999999999G"] {
            assert_eq!(parse_size(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn lists() {
        assert_eq!(list("0-3,8,10-11"), Some(vec![0, 1, 2, 3, 8, 10, 11]));
        assert_eq!(list(""), Some(vec![]));
        for wrong in [
            ",",
            "3-1",
            "1,1",
            "2,1",
            "0-",
            "-1",
            "0-4294967295",
            "a",
            "0 1",
        ] {
            assert_eq!(list(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn lists_read_back(ids in proptest::collection::btree_set(0usize..300, 0..40)) {
            let ids: Vec<usize> = ids.into_iter().collect();
            let text: Vec<String> = ids
                .chunk_by(|a, b| a + 1 == *b)
                .map(|run| format!("{}-{}", run[0], run[run.len() - 1]))
                .collect();
            prop_assert_eq!(list(&text.join(",")), Some(ids));
        }

        #[test]
        fn no_text_panics(text in "[0-9,a-]{0,12}") {
            if let Some(ids) = list(&text) {
                prop_assert!(ids.is_sorted());
            }
        }
    }
}
