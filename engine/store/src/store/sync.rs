//! The atomics that loom models: its own under `--cfg loom`, the standard library's otherwise.

#[cfg(loom)]
pub(super) use loom::sync::atomic::{AtomicU8, Ordering, fence};
#[cfg(not(loom))]
pub(super) use std::sync::atomic::{AtomicU8, Ordering, fence};
