//! Which CPUs this process may use, and tying a thread to one of them.
//!
//! The one idea: the mask is read once, before anything is pinned, because a pinned thread's mask
//! (which its children inherit) shows one CPU only. So [`allowed`] remembers its first answer, and
//! [`pin`] asks it before it pins; [`unpin`] gives a thread the whole mask back.
#![expect(
    unsafe_code,
    reason = "setting a mask of several CPUs is a foreign call"
)]

use std::io;
use std::sync::OnceLock;

use core_affinity::CoreId;

use crate::topology;

/// The kernel's weight of a thread is 1024 / 1.25^nice.
const NICE: libc::c_int = 5;

static ALLOWED: OnceLock<Vec<usize>> = OnceLock::new();

/// Why a thread could not be pinned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// The CPU is not in the process's affinity mask.
    #[error("CPU {cpu} is not in this process's affinity mask (allowed: {allowed:?})")]
    NotAllowed {
        /// The CPU asked for.
        cpu: usize,
        /// The CPUs that are allowed.
        allowed: &'static [usize],
    },
    /// The kernel refused.
    #[error("the kernel refused to pin the thread to CPU {cpu}")]
    Refused {
        /// The CPU asked for.
        cpu: usize,
    },
}

/// Lets the calling thread run mostly where others leave time: it gets a third of what one of them gets.
///
/// # Errors
/// The kernel refuses.
pub fn stand_back() -> io::Result<()> {
    // SAFETY: no memory is involved; 0 is the calling thread, which on Linux has a priority of its own.
    let status = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICE) };
    if status == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// The CPUs that this process may use, in ascending order, as the mask stood at the first call.
/// Empty where the kernel tells none.
pub fn allowed() -> &'static [usize] {
    ALLOWED.get_or_init(|| {
        let cores = core_affinity::get_core_ids().unwrap_or_default();
        let mut cpus: Vec<usize> = cores.into_iter().map(|core| core.id).collect();
        cpus.sort_unstable();
        cpus
    })
}

/// The CPUs that process `pid` is tied to, in ascending order: those of its threads that may not run on
/// every CPU that is online. `None` where all of them may, and where the kernel does not tell.
pub fn tied(pid: u32) -> Option<Vec<usize>> {
    let online = std::fs::read_to_string("/sys/devices/system/cpu/online").ok()?;
    let online = topology::list(online.trim())?;
    let mut tied = Vec::new();
    for entry in std::fs::read_dir(format!("/proc/{pid}/task"))
        .ok()?
        .flatten()
    {
        // A thread may end meanwhile.
        let Ok(status) = std::fs::read_to_string(entry.path().join("status")) else {
            continue;
        };
        let of_thread = status
            .lines()
            .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))
            .and_then(|list| topology::list(list.trim()))?;
        if !online.iter().all(|cpu| of_thread.contains(cpu)) {
            tied.extend(of_thread);
        }
    }
    tied.sort_unstable();
    tied.dedup();
    (!tied.is_empty()).then_some(tied)
}

/// Ties the calling thread to `cpu`.
///
/// # Errors
/// Where `cpu` is not in the mask, or the kernel refuses.
pub fn pin(cpu: usize) -> Result<(), PinError> {
    let allowed = allowed();
    if !allowed.contains(&cpu) {
        return Err(PinError::NotAllowed { cpu, allowed });
    }
    if core_affinity::set_for_current(CoreId { id: cpu }) {
        Ok(())
    } else {
        Err(PinError::Refused { cpu })
    }
}

/// Lets the calling thread run on every allowed CPU: for a thread that a pinned one started, and
/// that should not stand in its way.
///
/// # Errors
/// What the kernel says.
pub fn unpin() -> io::Result<()> {
    // SAFETY: a `cpu_set_t` is an array of integers; all zeroes is the empty set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    for &cpu in allowed() {
        if cpu < libc::CPU_SETSIZE as usize {
            // SAFETY: the set has a place for every CPU below `CPU_SETSIZE`.
            unsafe { libc::CPU_SET(cpu, &mut set) };
        }
    }
    // SAFETY: the set is valid for the call and of the size that is told; 0 is the calling thread.
    let status = unsafe { libc::sched_setaffinity(0, size_of_val(&set), &raw const set) };
    if status == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_outlives_pinning() {
        let before = allowed().to_vec();
        assert!(!before.is_empty());
        let last = *before.last().unwrap();
        std::thread::spawn(move || {
            pin(last).unwrap();
            let seen = core_affinity::get_core_ids().unwrap();
            assert_eq!(seen.iter().map(|core| core.id).collect::<Vec<_>>(), [last]);
            assert_eq!(allowed(), before);
            unpin().unwrap();
            let seen = core_affinity::get_core_ids().unwrap();
            assert_eq!(seen.iter().map(|core| core.id).collect::<Vec<_>>(), before);
        })
        .join()
        .unwrap();
    }

    #[test]
    fn a_process_is_tied_where_a_thread_of_it_is() {
        let mut command = std::process::Command::new("sleep");
        let mut free = crate::child::spawn(command.arg("10"), &[]).unwrap();
        let cpus = allowed();
        if cpus.len() > 1 {
            let last = cpus[cpus.len() - 1];
            let mut command = std::process::Command::new("sleep");
            let mut bound = crate::child::spawn(command.arg("10"), &[last]).unwrap();
            assert_eq!(tied(bound.id()), Some(vec![last]));
            bound.kill().unwrap();
            bound.wait().unwrap();
            let online = std::thread::available_parallelism().unwrap().get();
            if cpus.len() == online {
                assert_eq!(tied(free.id()), None);
            }
        }
        free.kill().unwrap();
        free.wait().unwrap();
        assert_eq!(tied(free.id()), None);
    }

    #[test]
    fn a_cpu_outside_the_mask_is_refused() {
        let error = pin(100_000).unwrap_err();
        assert!(error.to_string().contains("100000"), "{error}");
    }
}
