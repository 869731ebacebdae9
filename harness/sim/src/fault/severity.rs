//! How much fails at once in a schedule: what a strategy must claim to survive for it to test the claim.

use seawall_cluster::Survives;

use super::{Action, Dated, Role, Schedule};

/// So long after something is well again its copies are, too: they were missed, given the data and taken in.
const WHOLE_AGAIN_MS: u64 = 10_000;

/// Something that fails for a while.
struct Episode {
    from_ms: u64,
    until_ms: u64,
    severity: Survives,
}

impl Episode {
    /// Whether one begins before the other is over and the copies that it cost are there again.
    fn meets(&self, later: &Episode) -> bool {
        later.from_ms < self.until_ms.saturating_add(WHOLE_AGAIN_MS)
    }
}

/// How much of what fails when an action is done; none where it begins no failure.
fn begins(action: Action) -> Option<Survives> {
    Some(match action {
        // Too much to do may look like a failure of anything.
        Action::Crash {
            role: Role::All, ..
        }
        | Action::Load { percent: 101.. }
        | Action::StallDatabase { .. } => Survives::Restart,
        Action::Crash { .. } | Action::FailSync { .. } => Survives::Node,
        Action::SetClock { ahead_ms: 0, .. } => return None,
        Action::Isolate { .. }
        | Action::StallDisk { .. }
        | Action::SlowNode { times: 2.., .. }
        | Action::SetClock { .. }
        | Action::ZoneDown { .. }
        | Action::Cut { .. }
        | Action::SlowLinks { times: 2.., .. }
        | Action::Loss { per_mille: 1.., .. }
        | Action::Split { zones: 1.. } => Survives::Zone,
        Action::RegionDown { .. } | Action::CutRegion { .. } => Survives::Region,
        _ => return None,
    })
}

/// Whether `later` ends what `action` began.
fn ends(action: Action, later: Action) -> bool {
    match (action, later) {
        (
            Action::Crash { shard, .. } | Action::FailSync { shard },
            Action::Replace { shard: of },
        )
        | (Action::Isolate { shard }, Action::Rejoin { shard: of })
        | (
            Action::SlowNode { shard, .. },
            Action::SlowNode {
                shard: of,
                times: 1,
            },
        )
        | (
            Action::SetClock { shard, .. },
            Action::SetClock {
                shard: of,
                ahead_ms: 0,
            },
        ) => shard == of,
        (Action::ZoneDown { zone }, Action::ZoneUp { zone: of })
        | (Action::Cut { zone, .. }, Action::Heal { zone: of })
        | (Action::SlowLinks { zone, .. }, Action::SlowLinks { zone: of, times: 1 })
        | (
            Action::Loss { zone, .. },
            Action::Loss {
                zone: of,
                per_mille: 0,
            },
        ) => zone == of,
        (Action::RegionDown { region }, Action::RegionUp { region: of })
        | (Action::CutRegion { region }, Action::HealRegion { region: of }) => region == of,
        (Action::Split { .. }, Action::Split { zones: 0 })
        | (Action::Load { .. }, Action::Load { percent: ..=100 }) => true,
        _ => false,
    }
}

impl Schedule {
    /// The greatest failure in it. Where one begins before another is over, they are no single failure, and who claims less than to
    /// stand a restart of everything claims nothing of them.
    pub(crate) fn severity(&self) -> Survives {
        let actions = self.actions();
        let episodes: Vec<Episode> = actions
            .iter()
            .enumerate()
            .filter_map(|(number, dated)| episode(*dated, &actions[number + 1..]))
            .collect();
        let meets = |(number, earlier): (usize, &Episode)| {
            episodes[number + 1..]
                .iter()
                .any(|later| earlier.meets(later))
        };
        if episodes.iter().enumerate().any(meets) {
            return Survives::Restart;
        }
        let greatest = episodes.iter().map(|episode| episode.severity).max();
        greatest.unwrap_or(Survives::Nothing)
    }
}

fn episode(dated: Dated, later: &[Dated]) -> Option<Episode> {
    let severity = begins(dated.action)?;
    let lasts = match dated.action {
        Action::StallDisk { ms, .. } | Action::StallDatabase { ms } => Some(dated.at_ms + ms),
        _ => {
            let mut ending = later
                .iter()
                .filter(|other| ends(dated.action, other.action));
            ending.next().map(|other| other.at_ms)
        }
    };
    Some(Episode {
        from_ms: dated.at_ms,
        until_ms: lasts.unwrap_or(u64::MAX),
        severity,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn severity(actions: &[(u64, Action)]) -> Survives {
        let dated = actions.iter().map(|(at_ms, action)| action.at(*at_ms));
        Schedule::of(dated.collect()).severity()
    }

    #[test]
    fn what_fails_by_itself_is_as_grave_as_it_is() {
        let (shard, zone, role) = (1, 2, Role::Primary);
        let crash = (1000, Action::Crash { shard, role });
        let back = (3000, Action::Replace { shard });
        assert_eq!(severity(&[]), Survives::Nothing);
        assert_eq!(severity(&[crash, back]), Survives::Node);
        assert_eq!(severity(&[back]), Survives::Nothing, "nothing had failed");
        let down = |at| (at, Action::ZoneDown { zone });
        assert_eq!(severity(&[down(1000)]), Survives::Zone);
        // One after the other, when all copies are there again.
        assert_eq!(severity(&[crash, back, down(13_000)]), Survives::Zone);
        assert_eq!(severity(&[crash, back, down(12_999)]), Survives::Restart);
        assert_eq!(severity(&[down(1000), crash]), Survives::Restart);
        // Of two shards each loses its primary: most of three are gone, whose votes Redis Cluster needs.
        let other = (1500, Action::Crash { shard: 0, role });
        assert_eq!(severity(&[crash, other, back]), Survives::Restart);
        let all = Action::Crash {
            shard,
            role: Role::All,
        };
        assert_eq!(severity(&[(1000, all)]), Survives::Restart);
        let region = Action::CutRegion { region: 1 };
        assert_eq!(severity(&[(1000, region)]), Survives::Region);
    }
}
