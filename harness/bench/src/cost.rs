//! What a target and its driver cost, and which of the two was the limit.
//!
//! The one idea: a closed loop is as fast as the slower of its two ends. Where that was the driver, the
//! figure is the driver's and says nothing of the target, so the cell is marked and compared with none.

use std::time::Duration;

use seawall_sys::usage;

/// From here on a core counts as used up: schedulers and clocks leave a few percent to others.
const SATURATED: f64 = 0.95;

/// CPU time and memory of a target at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cost {
    /// User and system time of all its threads; absent where nobody tells.
    pub(crate) cpu: Option<Duration>,
    /// The same of each living thread, where the kernel tells.
    pub(crate) threads: Vec<(u32, Duration)>,
    /// Resident memory.
    pub(crate) rss_bytes: Option<u64>,
}

/// What a target and its driver spent between two moments.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Spent {
    /// The target's CPU time.
    pub(crate) cpu: Option<Duration>,
    /// The share of a core that the target's busiest thread used; of one core, the whole target's
    /// where threads are not told.
    pub(crate) busiest: Option<f64>,
    /// The share of their cores that the driver's threads used; absent where driver and target are the
    /// same threads.
    pub(crate) generator_share: Option<f64>,
    /// The driver's CPU time.
    pub(crate) generator_cpu: Option<Duration>,
}

impl Cost {
    /// This process, target and driver in one.
    pub(crate) fn of_this_process() -> Cost {
        Cost {
            cpu: Some(usage::process_cpu()),
            threads: Vec::new(),
            rss_bytes: usage::resident_bytes().ok(),
        }
    }

    /// The share of a core that the busiest thread used since `before`, over `time`.
    fn busiest_since(&self, before: &Cost, time: Duration) -> Option<f64> {
        let earlier = |number: u32| {
            let found = before.threads.iter().find(|(other, _)| *other == number);
            found.map_or(Duration::ZERO, |(_, cpu)| *cpu)
        };
        let of_threads = self
            .threads
            .iter()
            .map(|(number, cpu)| cpu.saturating_sub(earlier(*number)))
            .max();
        let whole = || self.cpu?.checked_sub(before.cpu?);
        let busiest = of_threads.or_else(whole)?;
        Some(busiest.as_secs_f64() / time.as_secs_f64())
    }
}

impl Spent {
    /// What was spent from `before` to `after`, which lie `time` apart. `generator` is the CPU time of
    /// the driver's threads meanwhile and how many cores they had; absent where they are the target's.
    pub(crate) fn between(
        before: &Cost,
        after: &Cost,
        time: Duration,
        generator: Option<(Duration, usize)>,
    ) -> Spent {
        let cpu = after.cpu.zip(before.cpu);
        Spent {
            cpu: cpu.map(|(after, before)| after.saturating_sub(before)),
            busiest: after.busiest_since(before, time),
            generator_share: generator
                .map(|(cpu, cores)| cpu.as_secs_f64() / (time.as_secs_f64() * cores.max(1) as f64)),
            generator_cpu: generator.map(|(cpu, _)| cpu),
        }
    }

    /// Why the figures are the driver's and not the target's, where they are.
    pub(crate) fn invalid(&self) -> Option<String> {
        let generator = self.generator_share.filter(|&share| share >= SATURATED)?;
        let percent = |share: f64| (share * 100.0).round();
        match self.busiest {
            Some(busiest) if busiest >= SATURATED => None,
            Some(busiest) => Some(format!(
                "the generator was the limit: it used {} % of its CPUs, the target's busiest thread {} % of one",
                percent(generator),
                percent(busiest)
            )),
            None => Some(format!(
                "the generator was the limit, as far as can be told: it used {} % of its CPUs, and nothing is \
                 known of the target's",
                percent(generator)
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(cpu_ms: u64, threads: &[(u32, u64)]) -> Cost {
        Cost {
            cpu: Some(Duration::from_millis(cpu_ms)),
            threads: threads
                .iter()
                .map(|&(number, ms)| (number, Duration::from_millis(ms)))
                .collect(),
            rss_bytes: None,
        }
    }

    fn spent(generator_ms: u64, busiest_ms: u64) -> Spent {
        let before = cost(1000, &[(1, 500), (2, 500)]);
        let after = cost(1000 + busiest_ms + 50, &[(1, 500 + busiest_ms), (3, 50)]);
        let generator = Some((Duration::from_millis(generator_ms), 2));
        Spent::between(&before, &after, Duration::from_secs(1), generator)
    }

    #[test]
    fn a_cell_counts_where_the_target_was_the_limit() {
        assert_eq!(spent(1000, 990).invalid(), None, "the target alone");
        assert_eq!(spent(1990, 990).invalid(), None, "both at once");
        assert_eq!(spent(1000, 500).invalid(), None, "an open loop: neither");
        let why = spent(1960, 610).invalid().expect("the generator alone");
        assert!(why.contains("98 %") && why.contains("61 %"), "{why}");
        assert_eq!(spent(1960, 610).cpu, Some(Duration::from_millis(660)));
    }

    #[test]
    fn a_target_that_tells_nothing_does_not_excuse_the_generator() {
        let generator = Some((Duration::from_secs(1), 1));
        let none = Cost::default();
        let second = Duration::from_secs(1);
        let why = Spent::between(&none, &none, second, generator).invalid();
        assert!(why.expect("a reason").contains("nothing is known"));
        assert_eq!(Spent::between(&none, &none, second, None).invalid(), None);
    }
}
