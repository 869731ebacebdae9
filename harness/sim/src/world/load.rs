//! The load: workloads of `seawall_workloads`, one part of each per client.

use seawall_store::{Op, Reply};
use seawall_workloads::Workload;

/// Checks a workload's text.
pub(crate) fn check(text: &str) -> Result<(), String> {
    seawall_workloads::build(text, 0, 0, 1)
        .map(drop)
        .map_err(|error| error.to_string())
}

/// The part of client `client` of `clients`.
pub(super) fn build(text: &str, seed: u64, client: u32, clients: u32) -> Box<dyn Workload> {
    seawall_workloads::build(text, seed, client, clients)
        .expect("the workload was checked with the scenario")
}

/// Whether a read found nothing, so that the application must ask the database: no key, or a hash
/// without fields, which is the same. An empty range is an answer.
pub(super) fn is_miss(op: &Op, reply: &Reply) -> bool {
    match reply {
        Reply::Nil => true,
        Reply::Array(fields) => fields.is_empty() && op.command().name == "hgetall",
        _ => false,
    }
}
