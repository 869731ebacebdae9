//! What CPUs did so far, whoever had them: the kernel's own account in `/proc/stat`.
//!
//! The one idea: what is busy and not ours is somebody else's, and what the hypervisor kept is nobody's
//! here. On most kernels this account is made by samples, one a tick ([`tick`]), so a difference over few
//! ticks is coarse. Time in interrupts is left out: on the loopback interface it is of those who send.
#![expect(unsafe_code, reason = "the length of a tick comes from a foreign call")]

use std::fs;
use std::io;
use std::time::Duration;

/// What some CPUs did since the machine started, together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Time in processes, user and system.
    pub busy: Duration,
    /// Time in which a CPU had work and the hypervisor ran something else.
    pub stolen: Duration,
}

/// The unit of the account.
pub fn tick() -> Duration {
    // SAFETY: it takes a number and touches no memory of ours.
    let per_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    Duration::from_secs_f64(1.0 / per_second.clamp(1, 1_000_000) as f64)
}

/// What `cpus` did so far.
///
/// # Errors
/// Where `/proc` is not there, not as documented, or knows one of them not.
pub fn of(cpus: &[usize]) -> io::Result<Load> {
    let text = fs::read_to_string("/proc/stat")?;
    read(&text, cpus, tick()).ok_or_else(|| {
        let message = format!("/proc/stat does not tell the times of CPUs {cpus:?}");
        io::Error::new(io::ErrorKind::InvalidData, message)
    })
}

/// `cpuN user nice system idle iowait irq softirq steal guest guest_nice`, in ticks (`proc_stat(5)`); guests
/// are part of user.
fn read(text: &str, cpus: &[usize], tick: Duration) -> Option<Load> {
    let mut load = Load::default();
    let time = |ticks: u64| tick.saturating_mul(u32::try_from(ticks).unwrap_or(u32::MAX));
    for cpu in cpus {
        let name = format!("cpu{cpu}");
        let mut ticks = text.lines().find_map(|line| {
            let mut words = line.split_ascii_whitespace();
            (words.next()? == name).then_some(words)
        })?;
        let mut next = || ticks.next()?.parse::<u64>().ok();
        let (user, nice, system) = (next()?, next()?, next()?);
        // idle, iowait, irq, softirq; kernels of before 2.6.11 tell of no steal.
        let stolen = (0..4)
            .try_for_each(|_| next().map(drop))
            .and_then(|()| next());
        load.busy += time(user.saturating_add(nice).saturating_add(system));
        load.stolen += time(stolen.unwrap_or(0));
    }
    Some(load)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "cpu  900 0 0 0 0 0 0 0 0 0\ncpu0 10 20 30 400 5 6 7 8 9 0\n\
                        cpu1 100 0 0 0 0 0 0 1 0 0\ncpu10 1 1 1\nintr 5\n";

    #[test]
    fn times_of_the_cpus_that_are_asked_for() {
        let ms = |ms| Duration::from_millis(ms);
        let of = |cpus: &[usize]| read(TEXT, cpus, ms(10)).map(|load| (load.busy, load.stolen));
        assert_eq!(of(&[0]), Some((ms(600), ms(80))));
        assert_eq!(of(&[0, 1]), Some((ms(1600), ms(90))));
        assert_eq!(of(&[10]), Some((ms(30), ms(0))));
        assert_eq!(of(&[]), Some((ms(0), ms(0))));
        assert_eq!(of(&[2]), None);
        assert_eq!(read("cpu0 1 2", &[0], ms(10)), None);
    }

    #[test]
    fn work_is_seen_where_it_was_done() {
        let cpu = *crate::pin::allowed().last().unwrap();
        std::thread::spawn(move || {
            crate::pin::pin(cpu).unwrap();
            let before = of(&[cpu]).unwrap();
            let begin = crate::usage::thread_cpu();
            while crate::usage::thread_cpu() < begin + 30 * tick() {
                std::hint::spin_loop();
            }
            let busy = of(&[cpu]).unwrap().busy.saturating_sub(before.busy);
            // Samples, at ticks that others may have had.
            assert!(busy >= 10 * tick(), "{busy:?}");
        })
        .join()
        .unwrap();
    }
}
