//! A process of another program, tied to CPUs and to the life of the thread that started it.
//!
//! The one idea: what must hold of a child before its first instruction is arranged between fork and
//! exec, so that there is no moment in which it could be left behind. The kernel sends it `SIGKILL`
//! when the thread that called [`spawn`] ends, however that happens: call it on a thread that lives as
//! long as the child should. It neither waits for the child nor speaks with it.
#![expect(
    unsafe_code,
    reason = "code between fork and exec, and its calls, are foreign"
)]

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

/// Starts `command` on `cpus` (all that its parent may use where there are none). It is in a process
/// group of its own, so that a terminal's interrupt reaches the parent alone, and dies with the calling
/// thread.
///
/// # Errors
/// The program cannot be started, or the kernel refuses the CPUs.
pub fn spawn(command: &mut Command, cpus: &[usize]) -> io::Result<Child> {
    let set = cpu_set(cpus)?;
    let parent = std::process::id();
    command.process_group(0);
    // SAFETY: between fork and exec only calls that are safe in a signal handler are made (prctl,
    // getppid, sched_setaffinity); the closure allocates nothing and owns what it reads.
    unsafe {
        command.pre_exec(move || arrange(parent, set.as_ref()));
    }
    command.spawn()
}

/// What is done in the child before the program is there.
fn arrange(parent: u32, set: Option<&libc::cpu_set_t>) -> io::Result<()> {
    // SAFETY: the option takes one number and touches no memory of ours.
    if unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it cannot fail and touches no memory.
    if unsafe { libc::getppid() } as u32 != parent {
        // The parent ended before the kernel was told, so nobody will.
        return Err(io::Error::from_raw_os_error(libc::ESRCH));
    }
    let Some(set) = set else { return Ok(()) };
    // SAFETY: the set is valid for the call and of the size that is told; 0 is the calling thread.
    let status = unsafe { libc::sched_setaffinity(0, size_of_val(set), set) };
    if status == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

fn cpu_set(cpus: &[usize]) -> io::Result<Option<libc::cpu_set_t>> {
    if cpus.is_empty() {
        return Ok(None);
    }
    // SAFETY: a `cpu_set_t` is an array of integers; all zeroes is the empty set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    for &cpu in cpus {
        if cpu >= libc::CPU_SETSIZE as usize {
            return Err(io::Error::from_raw_os_error(libc::EINVAL));
        }
        // SAFETY: the set has a place for every CPU below `CPU_SETSIZE`.
        unsafe { libc::CPU_SET(cpu, &mut set) };
    }
    Ok(Some(set))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Stdio;
    use std::time::{Duration, Instant};

    #[test]
    fn it_runs_where_it_was_told() {
        let cpu = *crate::pin::allowed().last().unwrap();
        let mut command = Command::new("grep");
        command
            .args(["Cpus_allowed_list", "/proc/self/status"])
            .stdout(Stdio::piped());
        let output = spawn(&mut command, &[cpu])
            .unwrap()
            .wait_with_output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(
            text.split_whitespace().last(),
            Some(cpu.to_string().as_str())
        );
    }

    #[test]
    fn it_dies_with_the_thread_that_started_it() {
        let started = std::thread::spawn(|| {
            let mut command = Command::new("sleep");
            spawn(command.arg("60"), &[]).unwrap()
        });
        let mut child = started.join().unwrap();
        let begin = Instant::now();
        while child.try_wait().unwrap().is_none() {
            assert!(begin.elapsed() < Duration::from_secs(10), "it still lives");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn a_cpu_that_is_none_is_refused() {
        let mut command = Command::new("true");
        assert!(spawn(&mut command, &[1 << 20]).is_err());
    }
}
