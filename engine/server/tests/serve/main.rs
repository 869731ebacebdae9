//! A whole server, over TCP: commands in, replies out, and what becomes of clients that misbehave.

mod client;
mod limits;
mod order;
mod transactions;
mod waiting;
