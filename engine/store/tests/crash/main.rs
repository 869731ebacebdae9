//! Every crash: whatever a store was doing when power went, it comes back with what its setting promises.
//!
//! A store of three shards runs random ops of every kind ([`draw`]) on a disk in memory that knows what is durable, and
//! makes snapshots meanwhile, from which its logs go on;
//! beside it a store without a log does the same and tells what each op leaves ([`world`]). Power goes at any step
//! of the disk, with anything left of what was not synced; the store is opened again, and [`judge`] decides: each
//! shard has to be as it was after some op, none that was acknowledged (as far as the setting promises) may be
//! missing, and what changed several shards must be there on all of them or on none.
//!
//! [`everywhere`] tries each step of one long run; [`anywhere`] many short runs with a random end, errors of the disk
//! and crashes of the recovery among them; [`switched`] folders that are opened with logs and without, and with other
//! numbers of shards, by turns; [`resharded`] each step of what another number of shards takes; [`broken`] proves that disks
//! that lie are found out.

mod anywhere;
mod broken;
mod draw;
mod everywhere;
mod judge;
mod resharded;
mod run;
mod switched;
mod world;

/// The number that the environment gives by `name`, or `otherwise`.
fn named(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| {
        let number = text.parse();
        number.unwrap_or_else(|_| panic!("{name}={text}: a number is accepted"))
    })
}
