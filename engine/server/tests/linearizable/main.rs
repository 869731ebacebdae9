//! Linearizability: what several clients were answered must be what a store that does one operation after
//! another could have answered, in an order that keeps to their beginnings and ends.
//!
//! Random clients write a history ([`turns`]: two workers on one thread, a seed decides who goes on next;
//! [`sockets`]: four connections to a server), and Wing and Gong's search looks for such an order in it,
//! by the crate `todc-utils`. Its [`model`] knows the whole store rather than key by key, so
//! what goes over several keys must be seen whole. [`race`] has readers on real cores beside writers of
//! several keys, many times more often than histories could be searched; [`order`] has them beside writers whose
//! pipelines go from shard to shard.
//!
//! Built with `RUSTFLAGS="--cfg broken_version"` the store does not tell readers on other cores that
//! several keys are about to change; the tests then hold that this is found. One that does not keep the order of a
//! client's writes (`--cfg broken_order`) is found by the store's own tests.

#[path = "../serve/client.rs"]
#[expect(dead_code, reason = "these tests send lines, and read replies whole")]
mod client;
mod draw;
mod model;
mod order;
mod race;
mod refused;
mod sockets;
mod turns;

/// How many seeds a test tries, where `SEAWALL_LINEARIZABLE_SEEDS` says no number.
const SEEDS: u64 = 50;

/// The seeds to try: one alone, where `SEAWALL_LINEARIZABLE_SEED` names it.
fn seeds() -> std::ops::Range<u64> {
    let named = |name: &str| {
        let text = std::env::var(name).ok()?;
        Some(
            text.parse::<u64>()
                .unwrap_or_else(|_| panic!("{name}={text}: a number is accepted")),
        )
    };
    match named("SEAWALL_LINEARIZABLE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..named("SEAWALL_LINEARIZABLE_SEEDS").unwrap_or(SEEDS),
    }
}
