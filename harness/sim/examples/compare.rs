//! Prints the built-in comparison for one seed.
use seawall_sim::{Scenario, run};
fn main() {
    let seed = std::env::args().nth(1).map_or(7, |s| s.parse().unwrap());
    let only = std::env::args().nth(2);
    let s = Scenario::built_in();
    for c in s.cells(false) {
        if only.as_ref().is_some_and(|o| {
            !format!("{}/{}/{}", c.fault, c.replication, c.sharding).contains(o.as_str())
        }) {
            continue;
        }
        let t = std::time::Instant::now();
        let r = run(&s, &c, seed).unwrap();
        println!(
            "{:10} {:26} {:7} acked {:5} lost {:5} stale {:5} unavail {:5} recov {:5} hit {:.3} db {:.2} xz {:8} usd {:.0} p99 {:.0}/{:.0}/{:.0} ev {} {} moved {} misplaced {} lostkeys {} failed {} {:?} {:?}",
            r.fault,
            r.replication,
            r.sharding,
            r.acked_writes,
            r.lost_acked_writes,
            r.stale_reads,
            r.unavailable_ms,
            r.recovery_ms,
            r.hit_ratio_min,
            r.db_peak_over_steady,
            r.cross_zone_bytes,
            r.usd_per_month,
            r.latency_us.before.p99,
            r.latency_us.during.p99,
            r.latency_us.after.p99,
            r.events,
            r.event_hash,
            r.extra["moved_keys_share"],
            r.extra["misplaced_acked_writes"],
            r.extra["lost_keys"],
            r.extra["failed_ops"],
            r.violations,
            t.elapsed()
        );
    }
}
