//! The store: shards as state machines, and what drives them.
//!
//! ```text
//!  Op ──► Shard::apply(now, op, &mut Out) ──► Out { reply bytes, effects, events }
//!            │                                        │
//!            ▼                                        ▼
//!        Keyspace ── Value (string, hash, sorted set)  log, replicas, listeners
//!            │
//!            ├── index    tags and item ids, one writer, any reader
//!            ├── mem      where items live; the only unsafe code here
//!            └── evict    which item goes when memory is short
//! ```
//!
//! A shard asks for no time, thread, socket or disk. Workers ([`store`]) drive it on pinned cores,
//! tests drive it directly, and the simulator drives the same code on a virtual clock.

pub mod command;
pub mod digest;
pub mod disk;
pub mod effect;
pub mod event;
pub mod evict;
mod index;
pub mod keyspace;
pub mod log;
mod mem;
pub mod op;
mod rdb;
pub mod reply;
pub mod shard;
pub mod slot;
pub mod snapshot;
pub mod spec;
pub mod store;
mod sync;
pub mod time;
pub mod value;

pub use command::{Command, CommandError};
pub use effect::Effects;
pub use event::{Class, Classes, Event};
pub use mem::SHARD_BYTES_MAX;
pub use op::Op;
pub use reply::{Reply, ReplyBuf};
pub use shard::{Out, Parked, Shard, ShardConfig, ShardStats};
pub use slot::Slot;
pub use store::{ReadPath, Session, Store, StoreConfig, StoreError, Worker, Workers};
pub use time::Millis;
