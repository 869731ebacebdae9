//! The load: what users want of each client.

use seawall_store::{Op, Reply};
use seawall_workloads::Workload;
use seawall_workloads::rows::Rows;

/// What users want of one client.
pub(super) enum Load {
    /// Ops of the store, of this client's own part of a workload.
    Ops(Box<dyn Workload>),
    /// Rows of a database that all clients share, read and written by the rules of a caching.
    Rows(Box<Rows>),
}

/// Checks a workload's text.
pub(crate) fn check(text: &str) -> Result<(), String> {
    seawall_workloads::build(text, 0, 0, 1)
        .map(drop)
        .map_err(|error| error.to_string())
}

/// Checks that so many clients can share a workload, and that what is known of its rows finds room.
pub(crate) fn check_clients(text: &str, clients: u32, copies: u16) -> Result<(), String> {
    let too_much = |bytes: f64| {
        let bytes = bytes * f64::from(copies);
        let what = format!(
            "{text} loads {:.1} GiB into all copies; accepted are at most {} GiB",
            bytes / GIB,
            LOADED_BYTES_MAX / GIB
        );
        (bytes > LOADED_BYTES_MAX).then_some(what)
    };
    match Rows::shared(text, 0, 0) {
        Ok(Some(rows)) if rows.owned() > ROWS_MAX => Err(format!(
            "{text} has {} rows; accepted are at most {ROWS_MAX}",
            rows.owned()
        )),
        Ok(Some(rows)) => {
            let loaded = rows.warm() as f64 * (rows.value_bytes_mean() + ITEM_BYTES);
            too_much(loaded).map_or(Ok(()), Err)
        }
        // The last client has the fewest things.
        _ => {
            let workload = seawall_workloads::build(text, 0, clients - 1, clients);
            let mut workload = workload.map_err(|error| error.to_string())?;
            let mut loaded = 0.0;
            while let Some(op) = workload.preload() {
                let bytes: usize = op.args().map(<[u8]>::len).sum();
                loaded += f64::from(clients) * (bytes as f64 + ITEM_BYTES);
                if let Some(what) = too_much(loaded) {
                    return Err(what.replacen("loads", "loads at least", 1));
                }
            }
            Ok(())
        }
    }
}

const GIB: f64 = (1u64 << 30) as f64;

/// The most that is loaded into all copies before a run: several runs go on beside each other.
const LOADED_BYTES_MAX: f64 = 4.0 * GIB;

/// What an item takes beside its value, here and in the history.
const ITEM_BYTES: f64 = 200.0;

/// The most rows of a database: what is known of each stays in memory.
const ROWS_MAX: u64 = 20_000_000;

/// Whether a workload is of rows, so that it matters how the application uses the cache.
pub(crate) fn is_of_rows(text: &str) -> bool {
    matches!(Rows::shared(text, 0, 0), Ok(Some(_)))
}

/// The load of client `client` of `clients`.
pub(super) fn build(text: &str, seed: u64, client: u32, clients: u32) -> Load {
    let checked = "the workload was checked with the scenario";
    match Rows::shared(text, seed, client).expect(checked) {
        Some(rows) => Load::Rows(Box::new(rows)),
        None => Load::Ops(seawall_workloads::build(text, seed, client, clients).expect(checked)),
    }
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
