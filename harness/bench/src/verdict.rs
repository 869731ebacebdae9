//! What figures are worth: whose limit they show, and whether others disturbed them.
//!
//! The one idea: a closed loop is as fast as the slower of its two ends, and an open loop's latency holds
//! its driver's lateness too. Where the figure is the driver's it says nothing of the target, so the cell is
//! marked and compared with none; where others had the CPUs, it is marked.

use std::time::Duration;

use crate::cost::Spent;

/// From here on a thread counts as always busy: schedulers and clocks leave a few percent to others.
const SATURATED: f64 = 0.95;

/// What others may have of the time before a cell counts as disturbed.
const DISTURBED: f64 = 0.03;

/// How many of its standard deviations a sampled share may stray before it is believed.
const DEVIATIONS: f64 = 2.0;

/// The share of a percentile of latency that may be the driver's own lateness.
const LATE_SHARE: f64 = 0.25;

/// Whose limit a closed loop ran into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    /// The target's: the figure is what it can do.
    Target,
    /// The driver's: the figure is the driver's.
    Driver,
    /// Both ends': the target can do at least so much.
    Both,
    /// Neither end's: the figure is one of wake-ups and round trips.
    Neither,
}

impl Limit {
    /// As a row says it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Limit::Target => "target",
            Limit::Driver => "driver",
            Limit::Both => "both",
            Limit::Neither => "neither",
        }
    }
}

/// An open loop's 99th percentiles: of latency, and of how late its driver was.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lateness {
    pub(crate) latency: Duration,
    pub(crate) late: Duration,
}

impl Spent {
    /// Whose limit it was; `None` where driver and target are the same threads, and where nothing is known
    /// of the target.
    pub(crate) fn limit(&self) -> Option<Limit> {
        let driver = self.driver?.busiest.wanted() >= SATURATED;
        let target = self.target?.wanted() >= SATURATED;
        Some(match (driver, target) {
            (false, true) => Limit::Target,
            (true, false) => Limit::Driver,
            (true, true) => Limit::Both,
            (false, false) => Limit::Neither,
        })
    }

    /// Why the figures are the driver's and not the target's, where they are. `lateness` is known of an open
    /// loop.
    pub(crate) fn invalid(&self, lateness: Option<Lateness>) -> Option<String> {
        let driver = self.driver?;
        let held = driver.target_held.max(driver.own_held);
        if let Some(used) = driver.shared
            && used >= SATURATED
            && held > DISTURBED
        {
            return Some(format!(
                "server and driver shared their CPUs and used {} of them: the figure is of both",
                percent(used)
            ));
        }
        let wanted = driver.busiest.wanted();
        // Who drives an open loop may spin while it waits: there its lateness tells, and nothing else.
        if wanted >= SATURATED && lateness.is_none() {
            let busy = format!(
                "its busiest thread was busy for {} of the time",
                percent(wanted)
            );
            match self.target.map(|target| target.wanted()) {
                Some(target) if target >= SATURATED => {}
                Some(target) => {
                    return Some(format!(
                        "the generator was the limit: {busy}, the target's for {}",
                        percent(target)
                    ));
                }
                None => {
                    return Some(format!(
                        "the generator was the limit, as far as can be told: {busy}, and nothing is known of \
                         the target's"
                    ));
                }
            }
        }
        let Lateness { latency, late } = lateness?;
        let us = |time: Duration| time.as_secs_f64() * 1e6;
        (us(late) > LATE_SHARE * us(latency)).then(|| {
            format!(
                "the generator was late: the 99th percentile of its own lateness is {:.0} µs, that of latency \
                 {:.0} µs",
                us(late),
                us(latency)
            )
        })
    }

    /// Who else had the CPUs, where that was more than a little.
    pub(crate) fn disturbed(&self) -> Option<String> {
        let driver = self.driver?;
        let believed = DISTURBED + DEVIATIONS * driver.others_blur;
        let causes = [
            (driver.target_held, DISTURBED, "the server waited for a CPU"),
            (driver.own_held, DISTURBED, "the driver waited for a CPU"),
            (
                driver.stolen.unwrap_or(0.0),
                DISTURBED,
                "the hypervisor kept the CPUs",
            ),
            (
                driver.others.unwrap_or(0.0),
                believed,
                "other programs had the CPUs",
            ),
        ];
        let told: Vec<String> = causes
            .into_iter()
            .filter(|(share, most, _)| share > most)
            .map(|(share, _, what)| format!("{what} for {}", percent(share)))
            .collect();
        (!told.is_empty()).then(|| told.join(", "))
    }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::{Busy, Driver};

    fn spent(driver: (f64, f64), target: Option<(f64, f64)>) -> Spent {
        let busy = |(ran, waited)| Busy { ran, waited };
        Spent {
            cpu: None,
            target: target.map(busy),
            written_bytes: None,
            driver: Some(Driver {
                busiest: busy(driver),
                ..Driver::default()
            }),
        }
    }

    #[test]
    fn a_cell_counts_where_the_target_was_the_limit() {
        for (driver, target, limit) in [
            ((0.5, 0.0), (0.99, 0.0), Limit::Target),
            ((0.99, 0.0), (0.99, 0.0), Limit::Both),
            ((0.6, 0.0), (0.6, 0.0), Limit::Neither),
            ((0.98, 0.0), (0.61, 0.0), Limit::Driver),
            // Who waits for a CPU is as much the limit as who has one.
            ((0.90, 0.08), (0.61, 0.0), Limit::Driver),
            ((0.5, 0.0), (0.90, 0.08), Limit::Target),
        ] {
            let spent = spent(driver, Some(target));
            assert_eq!(spent.limit(), Some(limit), "{driver:?} {target:?}");
            let invalid = spent.invalid(None);
            assert_eq!(invalid.is_some(), limit == Limit::Driver, "{invalid:?}");
        }
        let why = spent((0.9, 0.08), Some((0.61, 0.0))).invalid(None);
        let why = why.expect("the driver alone");
        assert!(why.contains("98 %") && why.contains("61 %"), "{why}");
    }

    #[test]
    fn a_target_that_tells_nothing_does_not_excuse_the_generator() {
        let spent = spent((1.0, 0.0), None);
        let why = spent.invalid(None).expect("a reason");
        assert!(why.contains("nothing is known"), "{why}");
        assert_eq!(spent.limit(), None);
        let same = Spent {
            driver: None,
            ..spent
        };
        assert_eq!((same.invalid(None), same.disturbed()), (None, None));
    }

    #[test]
    fn the_drivers_own_lateness_is_not_the_servers_latency() {
        let us = Duration::from_micros;
        let lateness = |late| Lateness {
            latency: us(400),
            late: us(late),
        };
        let idle = spent((0.5, 0.0), Some((0.3, 0.0)));
        assert_eq!(idle.invalid(Some(lateness(100))), None);
        let spinning = spent((1.0, 0.0), Some((0.3, 0.0)));
        assert_eq!(spinning.invalid(Some(lateness(100))), None);
        assert!(spinning.invalid(Some(lateness(101))).is_some());
        let why = idle.invalid(Some(lateness(101))).expect("late");
        assert!(why.contains("101 µs") && why.contains("400 µs"), "{why}");
    }

    #[test]
    fn shared_cpus_that_are_used_up_are_of_both() {
        let mut cell = spent((0.6, 0.3), Some((0.7, 0.2)));
        let with = |shared, held| Driver {
            shared: Some(shared),
            own_held: held,
            ..cell.driver.expect("apart")
        };
        let (full, free) = (with(0.97, 0.3), with(0.80, 0.3));
        // Where the kernel kept them apart by itself, neither waited.
        let lucky = with(0.97, 0.0);
        cell.driver = Some(full);
        assert!(cell.invalid(None).expect("both").contains("97 %"));
        for driver in [free, lucky] {
            cell.driver = Some(driver);
            assert_eq!(cell.invalid(None), None, "{driver:?}");
        }
    }

    #[test]
    fn strangers_and_the_hypervisor_are_told() {
        let cell = |change: fn(&mut Driver)| {
            let mut driver = Driver {
                others: Some(0.01),
                stolen: Some(0.0),
                others_blur: 0.01,
                ..Driver::default()
            };
            change(&mut driver);
            Spent {
                driver: Some(driver),
                ..Spent::default()
            }
        };
        assert_eq!(cell(|_| ()).disturbed(), None);
        // As much as sampling may make up is not believed.
        assert_eq!(cell(|driver| driver.others = Some(0.05)).disturbed(), None);
        let told = |change| cell(change).disturbed().expect("disturbed");
        assert!(told(|driver| driver.others = Some(0.06)).contains("other programs"));
        assert!(told(|driver| driver.stolen = Some(0.04)).contains("hypervisor"));
        assert!(
            told(|driver| driver.target_held = 0.2).contains("server waited for a CPU for 20 %")
        );
        assert!(told(|driver| driver.own_held = 0.2).contains("driver waited"));
    }
}
