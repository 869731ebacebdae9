//! What a process costs: CPU time, resident memory, and what it writes to disks.
//!
//! CPU time comes from the kernel's CPU clocks (nanoseconds, user and system together), not from the
//! 10 ms ticks of `/proc/PID/stat`: a cell of a benchmark may last less than a second.
#![expect(unsafe_code, reason = "the CPU clocks are foreign calls")]

use std::fs;
use std::io;
use std::time::Duration;

use crate::map::page_bytes;

/// CPU time (user and system) of this process since it began, all threads together, ended ones too.
pub fn process_cpu() -> Duration {
    read_clock(libc::CLOCK_PROCESS_CPUTIME_ID).expect("a process may read its own clock")
}

/// CPU time (user and system) of the calling thread since it began.
pub fn thread_cpu() -> Duration {
    read_clock(libc::CLOCK_THREAD_CPUTIME_ID).expect("a thread may read its own clock")
}

/// CPU time (user and system) of process `pid` since it began.
///
/// # Errors
/// `ESRCH` where there is no such process.
pub fn cpu_of(pid: u32) -> io::Result<Duration> {
    let pid = known_pid(pid)?;
    let mut clock: libc::clockid_t = 0;
    // SAFETY: `clock` is a place for one clock id, valid for the call.
    let status = unsafe { libc::clock_getcpuclockid(pid, &raw mut clock) };
    if status != 0 {
        return Err(io::Error::from_raw_os_error(status));
    }
    // The process may end between the two calls; the kernel then calls the clock invalid.
    read_clock(clock).map_err(|_| io::Error::from_raw_os_error(libc::ESRCH))
}

/// What a thread had of the CPUs, and what it lacked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThreadTime {
    /// The kernel's number of the thread.
    pub number: u32,
    /// Time on a CPU.
    pub ran: Duration,
    /// Time in which it could have run and another thread did.
    pub waited: Duration,
}

/// How long the calling thread could have run and another thread did.
///
/// # Errors
/// The kernel keeps no such account (`CONFIG_SCHED_INFO`).
pub fn thread_waited() -> io::Result<Duration> {
    let path = "/proc/thread-self/schedstat";
    let text = fs::read_to_string(path)?;
    scheduled(&text)
        .map(|(_, waited)| waited)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("{path}: {text:?}")))
}

/// The times of each living thread of process `pid`. Empty where the kernel keeps no such account
/// (`CONFIG_SCHED_INFO`).
///
/// # Errors
/// `NotFound` or `ESRCH` where there is no such process.
pub fn threads_of(pid: u32) -> io::Result<Vec<ThreadTime>> {
    let mut threads = Vec::new();
    for entry in fs::read_dir(format!("/proc/{}/task", known_pid(pid)?))? {
        let entry = entry?;
        let number = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        // A thread may end meanwhile.
        let text = fs::read_to_string(entry.path().join("schedstat")).ok();
        if let (Some(number), Some((ran, waited))) = (number, text.as_deref().and_then(scheduled)) {
            threads.push(ThreadTime {
                number,
                ran,
                waited,
            });
        }
    }
    Ok(threads)
}

/// The first two numbers of a `schedstat`: time on a CPU and time on a run queue, in ns
/// (Documentation/scheduler/sched-stats.rst).
fn scheduled(text: &str) -> Option<(Duration, Duration)> {
    let mut words = text.split_ascii_whitespace();
    let mut next = || Some(Duration::from_nanos(words.next()?.parse().ok()?));
    Some((next()?, next()?))
}

/// Bytes of this process that are resident in memory, shared pages counted.
///
/// # Errors
/// Where `/proc` is not there or not as documented.
pub fn resident_bytes() -> io::Result<u64> {
    resident_in("/proc/self/statm")
}

/// Bytes of process `pid` that are resident in memory, shared pages counted.
///
/// # Errors
/// As [`resident_bytes`]; `ESRCH` or `NotFound` where there is no such process.
pub fn resident_of(pid: u32) -> io::Result<u64> {
    resident_in(&format!("/proc/{}/statm", known_pid(pid)?))
}

/// Bytes that process `pid` has so far given to the system to be written to a disk, as `write_bytes` of
/// `/proc/PID/io` counts them: whole pages, also those that are removed before they are written.
///
/// # Errors
/// `ESRCH` or `NotFound` where there is no such process; `PermissionDenied` where it is another user's;
/// `NotFound` where the kernel keeps no such account (`CONFIG_TASK_IO_ACCOUNTING`).
pub fn written_by(pid: u32) -> io::Result<u64> {
    let path = format!("/proc/{}/io", known_pid(pid)?);
    let text = fs::read_to_string(&path)?;
    let count = |line: &str| line.strip_prefix("write_bytes:")?.trim().parse().ok();
    text.lines()
        .find_map(count)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("{path}: {text:?}")))
}

/// The kernel's own limit on pids (`PID_MAX_LIMIT`).
const PID_MAX: libc::pid_t = 1 << 22;

/// A pid is positive, where 0 would mean the caller, and small: glibc shifts it into a clock's id
/// unchecked, so that a great one names another process's clock.
fn known_pid(pid: u32) -> io::Result<libc::pid_t> {
    libc::pid_t::try_from(pid)
        .ok()
        .filter(|pid| (1..=PID_MAX).contains(pid))
        .ok_or_else(|| io::Error::from_raw_os_error(libc::ESRCH))
}

fn read_clock(clock: libc::clockid_t) -> io::Result<Duration> {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a place for one timespec, valid for the call.
    if unsafe { libc::clock_gettime(clock, &raw mut time) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(Duration::new(time.tv_sec as u64, time.tv_nsec as u32))
}

/// The second number of `statm` is the resident pages (`proc_pid_statm(5)`).
fn resident_in(path: &str) -> io::Result<u64> {
    let text = fs::read_to_string(path)?;
    let pages: u64 = text
        .split_ascii_whitespace()
        .nth(1)
        .and_then(|pages| pages.parse().ok())
        .ok_or_else(|| {
            let message = format!("{path}: the second word is not a number of pages: {text:?}");
            io::Error::new(io::ErrorKind::InvalidData, message)
        })?;
    Ok(pages.saturating_mul(page_bytes() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hint::black_box;
    use std::process::{Command, Stdio};

    fn burn(cpu: Duration) {
        let begin = thread_cpu();
        let mut x = 1u64;
        while thread_cpu() < begin + cpu {
            for _ in 0..1000 {
                x = black_box(x.wrapping_mul(3));
            }
        }
    }

    #[test]
    fn cpu_grows_with_work_and_not_with_sleep() {
        let (thread, process) = (thread_cpu(), process_cpu());
        std::thread::sleep(Duration::from_millis(50));
        assert!(thread_cpu() < thread + Duration::from_millis(40));
        burn(Duration::from_millis(20));
        assert!(thread_cpu() >= thread + Duration::from_millis(20));
        assert!(process_cpu() >= process + Duration::from_millis(20));
        let other = std::thread::spawn(|| burn(Duration::from_millis(20)));
        other.join().unwrap();
        assert!(process_cpu() >= process + Duration::from_millis(40));
    }

    #[test]
    fn another_process() {
        let mine = cpu_of(std::process::id()).unwrap();
        assert!(process_cpu() >= mine);
        let mut child = Command::new("sleep")
            .arg("10")
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let cpu = cpu_of(child.id()).unwrap();
        assert!(cpu < Duration::from_secs(1), "sleep burnt {cpu:?}");
        assert!(resident_of(child.id()).is_ok());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(cpu_of(child.id()).is_err());
        assert!(resident_of(child.id()).is_err());
    }

    #[test]
    fn what_is_written_counts() {
        let me = std::process::id();
        let before = match written_by(me) {
            Ok(before) => before,
            Err(error) => {
                println!("skipped: this system counts nothing: {error}");
                return;
            }
        };
        // Beside the build, since a temporary folder may be in memory, where nothing goes to a disk.
        let folder = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        fs::write(folder.path().join("file"), vec![1; 1 << 20]).unwrap();
        assert!(written_by(me).unwrap() >= before + (1 << 20));
        assert!(written_by(u32::MAX).is_err());
    }

    #[test]
    fn each_thread_has_its_own_time() {
        let (sender, receiver) = std::sync::mpsc::channel::<()>();
        let busy = std::thread::spawn(move || {
            burn(Duration::from_millis(30));
            // Alive until it was looked at.
            let _ = receiver.recv();
        });
        let worked = || threads_of(std::process::id()).unwrap();
        let enough = |threads: &[ThreadTime]| {
            threads
                .iter()
                .any(|thread| thread.ran >= Duration::from_millis(30))
        };
        while !enough(&worked()) {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert!(worked().len() >= 2);
        drop(sender);
        busy.join().unwrap();
        assert!(threads_of(u32::MAX).is_err());
    }

    #[test]
    fn who_shares_a_cpu_waits_for_it() {
        let cpu = crate::pin::allowed()[0];
        let work = move || {
            crate::pin::pin(cpu).unwrap();
            let before = thread_waited().unwrap();
            burn(Duration::from_millis(60));
            thread_waited().unwrap().saturating_sub(before)
        };
        let other = std::thread::spawn(work);
        let waited = std::thread::spawn(work).join().unwrap() + other.join().unwrap();
        // Whoever ends last waited for the other one's work, as far as both were there.
        assert!(waited > Duration::from_millis(20), "{waited:?}");
    }

    #[test]
    fn impossible_pids_are_refused() {
        for pid in [0, u32::MAX, i32::MAX as u32] {
            assert_eq!(cpu_of(pid).unwrap_err().raw_os_error(), Some(libc::ESRCH));
            assert!(resident_of(pid).is_err());
        }
    }

    #[test]
    fn resident_memory_grows_when_it_is_touched() {
        const BYTES: usize = 64 << 20;
        let before = resident_bytes().unwrap();
        let memory = black_box(vec![1u8; BYTES]);
        let after = resident_bytes().unwrap();
        // Other tests run beside this one and may give memory back.
        assert!(after > before + BYTES as u64 / 2, "{before} then {after}");
        drop(memory);
    }
}
