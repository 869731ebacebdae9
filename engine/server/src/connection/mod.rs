//! A connection: one client's commands in, its replies out, in order.

mod client;

pub use client::{Client, Queued, Replies, Subscriptions, Transaction};
