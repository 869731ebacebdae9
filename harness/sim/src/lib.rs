//! Nodes, zones and faults on a virtual clock.
//!
//! ```text
//!  Scenario ──► cells (replication × sharding × fault) ──► one run per seed ──► SimRow
//!
//!  run:  schedule of actions ─┐
//!        clients (zones) ─────┼──► event loop (time, then sequence) ──► History ──► checkers
//!        nodes: store::Shard ─┘         one thread, one seed
//!               + cluster::Replication
//! ```
//!
//! The nodes run the real code: `seawall_store::Shard` and the machines of `seawall_cluster`. What is
//! modelled is the world around them: links, disks, clients, a database. A run asks no clock and no
//! thread; the same seed gives the same bytes. Runs as a whole go on beside each other ([`simulate_runs`]).

mod caching;
mod cell;
mod check;
mod fault;
mod history;
mod random;
mod relay;
mod runs;
mod scenario;
mod shrink;
pub mod validation;
mod world;

pub use caching::{CACHINGS, CachingMember};
pub use cell::{Cell, RunError, replay, run};
pub use fault::{Action, Dated, FAULTS, FaultMember, Role, Schedule, Way};
pub use relay::relay;
pub use runs::{simulate_runs, simulate_seeds};
pub use scenario::{Autoscaling, Profile, Scenario, ScenarioError};
pub use shrink::{Shrunk, shrink};
