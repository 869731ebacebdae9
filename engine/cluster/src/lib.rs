//! Replication, sharding and migration strategies as pure state machines.
//!
//! ```text
//!                 requests, messages, alarms
//!                            │
//!   now ──► Replication::step(now, event, &mut Outbox) ──► actions: send, execute, apply,
//!                            │                              answer, refuse, persist, alarm
//!                 no clock, thread, socket, disk
//!
//!   key ──► Sharding::shard_of(key) ──► which group of nodes holds it
//! ```
//!
//! Whoever drives a strategy (the simulator on virtual links, a server on sockets) performs its
//! actions in order. This crate decides; it never does. Of the store it knows ops only.

pub mod autoscaling;
pub mod codec;
pub mod migration;
pub mod replication;
pub mod sharding;
pub mod time;

pub use replication::{
    Action, Claim, Event, NodeId, Outbox, Refusal, Replication, ReplicationMember, RequestId, Seat,
    Setup, Survives,
};
pub use sharding::{Sharding, ShardingMember};
pub use time::Nanos;
