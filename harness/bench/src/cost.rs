//! What a target, its driver and the machine spent between two moments.
//!
//! The one idea: a thread that waits for a CPU is as busy as one that has it. So of every thread the kernel
//! is asked for both, and of every CPU whether others had it. What follows from these figures is
//! [`crate::verdict`]'s.

use std::time::Duration;

use seawall_sys::load::Load;
use seawall_sys::usage::{self, ThreadTime};

/// CPU time and memory of a target at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cost {
    /// User and system time of all its threads; absent where nobody tells.
    pub(crate) cpu: Option<Duration>,
    /// The times of each living thread, where the kernel tells.
    pub(crate) threads: Vec<ThreadTime>,
    /// Resident memory.
    pub(crate) rss_bytes: Option<u64>,
    /// What it gave to the system to be written to disks, where the kernel tells.
    pub(crate) written_bytes: Option<u64>,
    /// User and system time of this process.
    pub(crate) own_cpu: Duration,
    /// Whether it is part of this process.
    pub(crate) within: bool,
}

/// What a thread had and lacked, as shares of the time in which it was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Busy {
    /// On a CPU.
    pub(crate) ran: f64,
    /// Waiting for one that another thread had.
    pub(crate) waited: f64,
}

/// What one driving thread spent while the clock ran.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Effort {
    /// Time on a CPU.
    pub(crate) ran: Duration,
    /// Time in which it waited for one.
    pub(crate) waited: Duration,
    /// How long the clock ran for it.
    pub(crate) time: Duration,
}

/// The two ends of measuring: what was read at each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reading {
    pub(crate) cost: Cost,
    /// What the CPUs of target and driver did so far; absent where they are not known.
    pub(crate) load: Option<Load>,
}

/// The driving threads, and what they and the target may use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Drivers<'a> {
    pub(crate) efforts: &'a [Effort],
    /// How many cores they share.
    pub(crate) cores: usize,
    /// How many CPUs the target may use; 0 where nobody tells.
    pub(crate) target_cpus: usize,
    /// How many CPUs there are for both together.
    pub(crate) cpus: usize,
    /// Whether some of them are for both.
    pub(crate) shared: bool,
}

/// What a target and its driver spent between two moments.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Spent {
    /// The target's CPU time.
    pub(crate) cpu: Option<Duration>,
    /// Its busiest thread; where threads are not told, the whole of it.
    pub(crate) target: Option<Busy>,
    /// What the target gave to the system to be written to disks.
    pub(crate) written_bytes: Option<u64>,
    /// How the driver did; absent where driver and target are the same threads.
    pub(crate) driver: Option<Driver>,
}

/// What of the machine the driver had, and what others had.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Driver {
    /// CPU time of all its threads.
    pub(crate) cpu: Duration,
    /// The share of their cores that its threads used.
    pub(crate) share: f64,
    /// Its busiest thread.
    pub(crate) busiest: Busy,
    /// The share of their CPUs that target and driver used together, where these are shared.
    pub(crate) shared: Option<f64>,
    /// How long others held the target back, and the driver itself, at most: shares of the time.
    pub(crate) target_held: f64,
    pub(crate) own_held: f64,
    /// The share of all their CPUs that others had.
    pub(crate) others: Option<f64>,
    /// The share that the hypervisor kept.
    pub(crate) stolen: Option<f64>,
    /// How much of `others` sampling alone may make up.
    pub(crate) others_blur: f64,
}

impl Cost {
    /// This process, target and driver in one.
    pub(crate) fn of_this_process() -> Cost {
        Cost {
            cpu: Some(usage::process_cpu()),
            threads: Vec::new(),
            rss_bytes: usage::resident_bytes().ok(),
            written_bytes: usage::written_by(std::process::id()).ok(),
            own_cpu: usage::process_cpu(),
            within: true,
        }
    }

    /// What process `pid` costs.
    pub(crate) fn of_process(pid: u32) -> Cost {
        Cost {
            cpu: usage::cpu_of(pid).ok(),
            threads: usage::threads_of(pid).unwrap_or_default(),
            rss_bytes: usage::resident_of(pid).ok(),
            written_bytes: usage::written_by(pid).ok(),
            own_cpu: usage::process_cpu(),
            within: false,
        }
    }

    /// The busiest thread since `before`, over `time`.
    fn busiest_since(&self, before: &Cost, time: Duration) -> Option<Busy> {
        let whole = || {
            Some(Busy {
                ran: share(self.cpu?.checked_sub(before.cpu?)?, time),
                waited: 0.0,
            })
        };
        // Nothing was read then: a thread's whole life is not what it did since.
        if before.threads.is_empty() {
            return whole();
        }
        let since = |thread: &ThreadTime| {
            let same = |other: &&ThreadTime| other.number == thread.number;
            let earlier = before
                .threads
                .iter()
                .find(same)
                .copied()
                .unwrap_or_default();
            Busy {
                ran: share(thread.ran.saturating_sub(earlier.ran), time),
                waited: share(thread.waited.saturating_sub(earlier.waited), time),
            }
        };
        let busiest = self.threads.iter().map(since).max_by(Busy::order);
        busiest.or_else(whole)
    }
}

impl Busy {
    /// On a CPU or waiting for one.
    pub(crate) fn wanted(&self) -> f64 {
        self.ran + self.waited
    }

    fn order(&self, other: &Busy) -> std::cmp::Ordering {
        self.wanted().total_cmp(&other.wanted())
    }
}

impl Effort {
    fn busy(&self) -> Busy {
        Busy {
            ran: share(self.ran, self.time),
            waited: share(self.waited, self.time),
        }
    }
}

impl Spent {
    /// What was spent from `before` to `after`, which lie `time` apart; by the driver's threads where they
    /// are not the target's.
    pub(crate) fn between(
        before: &Reading,
        after: &Reading,
        time: Duration,
        drivers: Option<Drivers<'_>>,
    ) -> Spent {
        let both = after.cost.cpu.zip(before.cost.cpu);
        let cpu = both.map(|(after, before)| after.saturating_sub(before));
        let target = after.cost.busiest_since(&before.cost, time);
        let written = after.cost.written_bytes.zip(before.cost.written_bytes);
        Spent {
            cpu,
            target,
            written_bytes: written.map(|(after, before)| after.saturating_sub(before)),
            driver: drivers.map(|drivers| {
                let driver = drivers.spent(cpu, target, time);
                driver.beside_others(before, after, cpu, (time, drivers.cpus))
            }),
        }
    }
}

impl Drivers<'_> {
    fn spent(&self, target_cpu: Option<Duration>, target: Option<Busy>, time: Duration) -> Driver {
        let cpu: Duration = self.efforts.iter().map(|effort| effort.ran).sum();
        let used = share(cpu, time);
        let busiest = self.efforts.iter().map(Effort::busy).max_by(Busy::order);
        let busiest = busiest.unwrap_or_default();
        let target_used = target_cpu.map_or(0.0, |cpu| share(cpu, time));
        // Threads of one side also wait for each other: others had no more than that side left.
        let held = |waited: f64, used: f64, cpus: usize| {
            if self.shared {
                waited
            } else {
                waited.min((cpus as f64 - used).max(0.0))
            }
        };
        let target_waited = target.map_or(0.0, |target| target.waited);
        Driver {
            cpu,
            share: used / self.cores.max(1) as f64,
            busiest,
            shared: (self.shared && self.cpus > 0).then(|| (used + target_used) / self.cpus as f64),
            target_held: held(target_waited, target_used, self.target_cpus),
            own_held: held(busiest.waited, used, self.cores),
            ..Driver::default()
        }
    }
}

impl Driver {
    /// With what others had of the CPUs meanwhile.
    fn beside_others(
        mut self,
        before: &Reading,
        after: &Reading,
        target: Option<Duration>,
        (time, cpus): (Duration, usize),
    ) -> Driver {
        let (Some(later), Some(earlier)) = (after.load, before.load) else {
            return self;
        };
        let all = time * cpus.max(1) as u32;
        let own = after.cost.own_cpu.saturating_sub(before.cost.own_cpu);
        let target = target.filter(|_| !after.cost.within);
        let ours = own + target.unwrap_or_default();
        let busy = later.busy.saturating_sub(earlier.busy);
        self.others = Some(share(busy.saturating_sub(ours), all));
        self.stolen = Some(share(later.stolen.saturating_sub(earlier.stolen), all));
        // A share that is counted at `n` ticks strays from the truth by 1/(2 sqrt n) at most.
        let ticks = all.as_secs_f64() / seawall_sys::load::tick().as_secs_f64();
        self.others_blur = 0.5 / ticks.max(1.0).sqrt();
        self
    }
}

fn share(part: Duration, of: Duration) -> f64 {
    part.as_secs_f64() / of.as_secs_f64().max(f64::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn reading(cpu_ms: u64, threads: &[(u32, u64, u64)]) -> Reading {
        Reading {
            cost: Cost {
                cpu: Some(ms(cpu_ms)),
                threads: threads
                    .iter()
                    .map(|&(number, ran, waited)| ThreadTime {
                        number,
                        ran: ms(ran),
                        waited: ms(waited),
                    })
                    .collect(),
                ..Cost::default()
            },
            load: None,
        }
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_busiest_thread_is_the_one_that_ran_or_waited_most() {
        let before = reading(1000, &[(1, 500, 100), (2, 400, 0)]);
        let after = reading(1900, &[(1, 900, 400), (2, 850, 0), (3, 10, 0)]);
        let spent = Spent::between(&before, &after, SECOND, None);
        assert_eq!(spent.cpu, Some(ms(900)));
        assert_eq!(
            spent.target,
            Some(Busy {
                ran: 0.4,
                waited: 0.3
            })
        );
    }

    #[test]
    fn a_first_reading_that_failed_is_no_zero() {
        let after = reading(100_000, &[(1, 90_000, 0)]);
        let nothing = Reading::default();
        let spent = Spent::between(&nothing, &after, SECOND, None);
        assert_eq!((spent.cpu, spent.target), (None, None));
    }

    #[test]
    fn one_saturated_thread_is_not_hidden_by_the_others() {
        let effort = |ran, waited| Effort {
            ran: ms(ran),
            waited: ms(waited),
            time: SECOND,
        };
        let drivers = Drivers {
            efforts: &[effort(700, 0), effort(900, 90), effort(700, 0)],
            cores: 3,
            target_cpus: 1,
            cpus: 4,
            shared: false,
        };
        let (before, after) = (reading(0, &[(1, 0, 0)]), reading(500, &[(1, 500, 400)]));
        let spent = Spent::between(&before, &after, SECOND, Some(drivers));
        let driver = spent.driver.expect("apart");
        assert!((driver.share - 0.766).abs() < 0.001, "{driver:?}");
        assert!((driver.busiest.wanted() - 0.99).abs() < 1e-9, "{driver:?}");
        assert!((driver.target_held - 0.4).abs() < 1e-9, "{driver:?}");
        assert_eq!(driver.shared, None);
        // A server that used its CPU up was held back by itself alone.
        let full = reading(1000, &[(1, 600, 400), (2, 400, 600)]);
        let spent = Spent::between(&before, &full, SECOND, Some(drivers));
        assert!(spent.driver.expect("apart").target_held < 1e-9);
    }

    #[test]
    fn what_is_busy_and_not_ours_is_others() {
        let at = |busy, stolen, own| Reading {
            cost: Cost {
                cpu: Some(ms(0)),
                own_cpu: ms(own),
                ..Cost::default()
            },
            load: Some(Load {
                busy: ms(busy),
                stolen: ms(stolen),
            }),
        };
        let drivers = Drivers {
            efforts: &[],
            cores: 1,
            target_cpus: 1,
            cpus: 2,
            shared: false,
        };
        let (before, mut after) = (at(1000, 0, 0), at(2900, 100, 800));
        after.cost.cpu = Some(ms(500));
        let spent = Spent::between(&before, &after, SECOND, Some(drivers));
        let driver = spent.driver.expect("apart");
        // 1900 ms busy: 800 of this process, 500 of the target.
        assert!((driver.others.expect("told") - 0.3).abs() < 1e-9);
        assert!((driver.stolen.expect("told") - 0.05).abs() < 1e-9);
        after.cost.within = true;
        let spent = Spent::between(&before, &after, SECOND, Some(drivers));
        let others = spent.driver.expect("apart").others;
        assert!(
            (others.expect("told") - 0.55).abs() < 1e-9,
            "the target is in this process"
        );
    }
}
