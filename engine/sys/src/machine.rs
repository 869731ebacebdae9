//! What machine this is: the facts that a figure cannot be read without.
//!
//! The one idea: every field is either what the kernel says or stated as unknown (`None`, empty), and
//! reading never fails: a fingerprint that is missing a line is better than a run that does not
//! start. Plain fields, no format: who writes them down decides how. Two runs are comparable when
//! their fingerprints are.

use std::fs;
use std::path::Path;

use crate::topology::{Cache, SYSFS_ROOT, Topology};

/// A machine's fingerprint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// The processor's name, as it gives it.
    pub cpu_model: Option<String>,
    /// Logical CPUs online.
    pub cpus_logical: usize,
    /// Physical cores that those belong to.
    pub cores: usize,
    /// CPUs that this process may use.
    pub cpus_allowed: usize,
    /// Every cache, by level.
    pub caches: Vec<Cache>,
    /// Memory in bytes, as far as the kernel uses it.
    pub memory_bytes: Option<u64>,
    /// NUMA nodes online; 0 where the topology could not be read.
    pub numa_nodes: usize,
    /// Why the topology could not be read.
    pub topology_error: Option<String>,
    /// The kernel's release.
    pub kernel: Option<String>,
    /// Transparent huge pages: `always`, `madvise` or `never`.
    pub thp_mode: Option<String>,
    /// What tells the time: `tsc`, `kvm-clock`, …
    pub clocksource: Option<String>,
    /// How the frequency is governed; unknown in most virtual machines.
    pub cpu_governor: Option<String>,
    /// Whose virtual machine this seems to be; none on bare metal (or a hypervisor that hides).
    pub hypervisor: Option<String>,
    /// CPU time that the hypervisor gave to others since boot, all CPUs together, in milliseconds. Two
    /// readings around a run tell whether it was disturbed.
    pub steal_ms: Option<u64>,
}

impl Machine {
    /// Reads this machine.
    pub fn read() -> Machine {
        Machine::read_from(Path::new("/"))
    }

    /// Reads the machine whose `/proc` and `/sys` lie below `root`.
    pub fn read_from(root: &Path) -> Machine {
        let text = |path: &str| fs::read_to_string(root.join(path)).ok();
        let line = |path: &str| text(path).map(|text| text.trim().to_owned());
        let sysfs = root.join(SYSFS_ROOT.trim_start_matches('/'));
        let (topology, topology_error) = match Topology::read(&sysfs) {
            Ok(topology) => (Some(topology), None),
            Err(error) => (None, Some(error.to_string())),
        };
        let cpuinfo = text("proc/cpuinfo").unwrap_or_default();
        let mut machine = Machine {
            cpu_model: field(&cpuinfo, "model name").map(str::to_owned),
            cpus_allowed: crate::pin::allowed().len(),
            memory_bytes: text("proc/meminfo").and_then(|text| memory_bytes(&text)),
            topology_error,
            kernel: line("proc/sys/kernel/osrelease"),
            thp_mode: text("sys/kernel/mm/transparent_hugepage/enabled")
                .and_then(|text| chosen(&text).map(str::to_owned)),
            clocksource: line("sys/devices/system/clocksource/clocksource0/current_clocksource"),
            cpu_governor: line("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            hypervisor: hypervisor(
                &cpuinfo,
                line("sys/class/dmi/id/sys_vendor"),
                line("sys/hypervisor/type"),
            ),
            steal_ms: text("proc/stat").and_then(|text| steal_ms(&text)),
            ..Machine::default()
        };
        if let Some(topology) = topology {
            machine.cpus_logical = topology.cpus.len();
            machine.cores = topology
                .cpus
                .iter()
                .filter(|cpu| cpu.core == cpu.id)
                .count();
            machine.numa_nodes = topology.nodes.len();
            machine.caches = topology.caches;
        }
        machine
    }
}

/// The first `name : value` of `/proc/cpuinfo`.
fn field<'a>(cpuinfo: &'a str, name: &str) -> Option<&'a str> {
    cpuinfo
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.trim() == name)
        .map(|(_, value)| value.trim())
}

/// `MemTotal:       24642868 kB`.
fn memory_bytes(meminfo: &str) -> Option<u64> {
    let kib = field(meminfo, "MemTotal")?.strip_suffix(" kB")?;
    kib.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The word in brackets of `always [madvise] never`.
fn chosen(choices: &str) -> Option<&str> {
    let (_, rest) = choices.split_once('[')?;
    rest.split_once(']').map(|(word, _)| word)
}

/// The best hint that there is: who sold the board, which hypervisor shows itself, or only that the
/// processor says that there is one.
fn hypervisor(cpuinfo: &str, vendor: Option<String>, kind: Option<String>) -> Option<String> {
    let flags = field(cpuinfo, "flags").unwrap_or_default();
    let flagged = flags
        .split_ascii_whitespace()
        .any(|flag| flag == "hypervisor");
    if !flagged && kind.is_none() {
        return None;
    }
    kind.or(vendor)
        .filter(|name| !name.is_empty())
        .or_else(|| Some("present, unnamed".to_owned()))
}

/// The eighth number of the line `cpu` (`proc_stat(5)`), in ticks of 1/100 s: `USER_HZ` is 100 on
/// every platform that Seawall runs on.
fn steal_ms(stat: &str) -> Option<u64> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks: u64 = line.split_ascii_whitespace().nth(7)?.parse().ok()?;
    ticks.checked_mul(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_a_fingerprint() {
        let machine = Machine::read();
        assert!(
            machine.cpus_logical >= machine.cores && machine.cores > 0,
            "{machine:?}"
        );
        assert!(machine.cpus_allowed > 0 && machine.numa_nodes > 0);
        assert!(machine.memory_bytes.is_some_and(|bytes| bytes > 1 << 26));
        assert!(machine.kernel.is_some_and(|kernel| !kernel.is_empty()));
        assert_eq!(machine.topology_error, None);
    }

    #[test]
    fn unknown_is_said_and_no_error() {
        let root = tempfile::tempdir().unwrap();
        let machine = Machine::read_from(root.path());
        assert_eq!(machine.cpu_model, None);
        assert_eq!((machine.numa_nodes, machine.steal_ms), (0, None));
        assert!(machine.topology_error.unwrap().contains("cpu/online"));
    }

    #[test]
    fn the_formats_of_proc_and_sys() {
        assert_eq!(
            field("processor\t: 0\nmodel name\t: AMD EPYC\n", "model name"),
            Some("AMD EPYC")
        );
        assert_eq!(
            memory_bytes("MemTotal:       24642868 kB\n"),
            Some(24_642_868 * 1024)
        );
        assert_eq!(memory_bytes("MemTotal: lots\n"), None);
        assert_eq!(chosen("always [madvise] never\n"), Some("madvise"));
        assert_eq!(chosen("madvise"), None);
        let stat = "cpu  100 0 50 1000 5 0 1 42 0 0\ncpu0 1 2 3 4 5 6 7 8 9 0\n";
        assert_eq!(steal_ms(stat), Some(420));
        assert_eq!(steal_ms("cpu  1 2 3\n"), None);
    }

    #[test]
    fn hints_of_a_hypervisor() {
        let guest = "flags\t\t: fpu hypervisor lm\n";
        let metal = "flags\t\t: fpu lm\n";
        let named = |name: &str| Some(name.to_owned());
        assert_eq!(hypervisor(metal, named("Supermicro"), None), None);
        assert_eq!(
            hypervisor(guest, named("Amazon EC2"), None),
            named("Amazon EC2")
        );
        assert_eq!(hypervisor(guest, None, None), named("present, unnamed"));
        assert_eq!(hypervisor(metal, None, named("xen")), named("xen"));
    }
}
