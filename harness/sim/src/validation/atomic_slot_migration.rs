//! Murphy, "Resharding, Reimagined": slots that move whole, against key by key.

use seawall_report::row::ValidationFigure;

use super::{Measure, Source, Validation, near, shown};
use crate::cell::run;
use crate::scenario::Scenario;

pub(super) static SOURCE: Source = Source {
    about: "Murphy, Resharding, Reimagined: Introducing Atomic Slot Migration, valkey.io, 2025-10",
    validations: &[Validation {
        id: "V28",
        what: "time to move a quarter of all slots key by key, over moving them whole, without load",
        published: "4 to 3 shards 8.44×, 3 to 4 shards 9.52×; under load 4.62× and 4.75×",
        tolerance: "±20 % (4 to 3 shards)",
        measure: Measure::By(resizes),
        note: "256 slots of 160 keys of 16 KB instead of 16,384. 3 to 4 shards is not reproduced: 11.5×, where 7.6 to 11.4 are \
               accepted; the operator of the source need not sit so far from its nodes as the one here. Under load is not \
               either: how heavy it was is not published, and links have no capacity that clients share here",
    }],
};

/// Slots, of which each has as many keys as in the source: 40 GB are 2.6 million values of 16 KB in 16,384 slots.
const SLOTS: u64 = 256;
const KEYS_PER_SLOT: u64 = 160;

/// How long moving takes, in seconds.
fn takes(seed: u64, migration: &str, (from, to): (u16, u16)) -> f64 {
    let keys = SLOTS * KEYS_PER_SLOT;
    let workload =
        format!("cache-aside:keys={keys}:zipf=0:warm=1:lone=0:ttl_s=0:value_bytes=16384");
    let sharding = format!("slots:migration={migration}:count={SLOTS}");
    let text = format!(
        "duration_ms = 5000\nwarmup_ms = 0\nfault_at_ms = 1000\nshards = {from}\nrate_per_s = 1\n\
         workloads = ['{workload}']\nreplications = ['none']\nbase_replication = 'none'\n\
         shardings = ['{sharding}']\nbase_sharding = '{sharding}'\nfaults = ['schedule']\n\
         [[schedule]]\nat_ms = 1000\naction = 'resize'\nshards = {to}\n"
    );
    let scenario = Scenario::parse("resize.toml", &text).expect("it is a scenario");
    let cell = &scenario.cells(false)[0];
    let row = run(&scenario, cell, seed).expect("the cell exists");
    row.extra["move_ms"].as_f64().expect("all has moved") / 1000.0
}

fn resizes(seed: u64) -> Vec<ValidationFigure> {
    let measured = |from, to| {
        let [by_key, whole] =
            ["key-by-key", "atomic"].map(|migration| takes(seed, migration, (from, to)));
        let of = |what| format!("{from} to {to} shards: {what}");
        let times = (of("key by key over whole"), by_key / whole);
        let seconds = [
            shown(of("key by key, s"), by_key),
            shown(of("whole, s"), whole),
        ];
        (times, seconds)
    };
    let ((name, times), out) = measured(3, 4);
    let (of_in, back) = measured(4, 3);
    let mut figures = vec![near(of_in.0, of_in.1, 8.44, 0.2), shown(name, times)];
    figures.extend(back);
    figures.extend(out);
    figures
}
