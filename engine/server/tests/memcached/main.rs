//! Memcached's protocol under random requests.
//!
//! - `requests`: what is asked, and how answers are compared.
//! - `alone`: the protocol without a server.
//! - `oracle`: one by one, beside a real memcached.
//! - `pipelines`: many at once, cut anywhere, beside the same requests one by one.

mod alone;
mod oracle;
mod pipelines;
mod requests;
