//! The machine's shape: NUMA nodes, their CPUs and memory and distances, caches.
//!
//! The one idea: all of it is read from a folder in the shape of `/sys/devices/system`, given as an
//! argument, so that a machine of four nodes is a fixture and not a purchase. [`Topology::read`]
//! reads `node/` and `cpu/` below it (`sysfs.rs` does the files); [`place`] decides, purely, which
//! shard goes where. Nothing is pinned or bound here.

mod place;
mod sysfs;

pub(crate) use sysfs::list;

pub use place::{PlaceError, Placement, place};

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Where Linux shows the machine.
pub const SYSFS_ROOT: &str = "/sys/devices/system";

/// A machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    /// NUMA nodes that are online, in ascending order of id; at least one.
    pub nodes: Vec<Node>,
    /// CPUs that are online, in ascending order of id; at least one.
    pub cpus: Vec<Cpu>,
    /// Every cache once, by level, kind and CPUs. Empty where the kernel shows none (some virtual
    /// machines).
    pub caches: Vec<Cache>,
}

/// A NUMA node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its number; numbers may have gaps.
    pub id: usize,
    /// Its online CPUs, in ascending order; none where the node is memory only.
    pub cpus: Vec<usize>,
    /// Its memory in bytes; 0 where it has none or the kernel does not tell.
    pub memory_bytes: u64,
    /// Distance to each node of [`Topology::nodes`], in their order. 10 is local (ACPI SLIT).
    pub distances: Vec<u32>,
}

/// A logical CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cpu {
    /// Its number.
    pub id: usize,
    /// The lowest CPU that shares its physical core: itself where there is no sibling before it.
    pub core: usize,
}

/// What a cache holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CacheKind {
    /// Data.
    Data,
    /// Instructions.
    Instruction,
    /// Both.
    Unified,
}

/// A cache.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cache {
    /// 1 is nearest to the core.
    pub level: u8,
    /// What it holds.
    pub kind: CacheKind,
    /// The CPUs that share it, in ascending order.
    pub cpus: Vec<usize>,
    /// Its size in bytes.
    pub bytes: u64,
}

/// Why the machine's shape could not be read.
#[derive(Debug, thiserror::Error)]
pub enum TopologyError {
    /// A file or folder could not be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        source: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error("{}: {what}, found {found:?}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is accepted.
        what: String,
        /// What was found, its beginning.
        found: String,
    },
}

impl Topology {
    /// Reads the machine shown below `root` ([`SYSFS_ROOT`] on a live one).
    ///
    /// A kernel without NUMA has no `node` folder: that is one node with all CPUs.
    ///
    /// # Errors
    /// A file that is missing, unreadable or malformed, by name.
    pub fn read(root: &Path) -> Result<Topology, TopologyError> {
        sysfs::read(root)
    }

    /// This machine as it was when this was first asked for: it is shown in some hundred small files.
    ///
    /// # Errors
    /// As [`Topology::read`].
    pub fn of_machine() -> Result<&'static Topology, &'static TopologyError> {
        static READ: OnceLock<Result<Topology, TopologyError>> = OnceLock::new();
        let read = READ.get_or_init(|| Topology::read(Path::new(SYSFS_ROOT)));
        read.as_ref()
    }

    /// Whether there are several nodes, so that placement by node matters.
    pub fn is_numa(&self) -> bool {
        self.nodes.len() > 1
    }

    /// The node with this number.
    pub fn node(&self, id: usize) -> Option<&Node> {
        self.nodes.iter().find(|node| node.id == id)
    }
}

/// One line for people; says so where there is only one node.
impl fmt::Display for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cpus = self.cpus.len();
        if !self.is_numa() {
            return write!(f, "one NUMA node, {cpus} CPUs: no placement by node");
        }
        write!(f, "{} NUMA nodes, {cpus} CPUs:", self.nodes.len())?;
        for (i, node) in self.nodes.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            let gib = node.memory_bytes >> 30;
            write!(
                f,
                "{comma} node {} with {} CPUs and {gib} GiB",
                node.id,
                node.cpus.len()
            )?;
        }
        Ok(())
    }
}
