//! A whole server, over TCP: commands in, replies out, and what becomes of clients that misbehave.

mod brief;
mod client;
mod durable;
mod ending;
mod golden;
mod leaving;
mod limits;
mod listening;
mod memcached;
#[cfg(feature = "redis-oracle")]
mod oracle;
mod order;
mod saving;
mod script;
mod time;
mod transactions;
mod waiting;
