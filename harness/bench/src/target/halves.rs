//! Which CPUs a spawned server gets and which the threads that drive it.
//!
//! The one idea: neither may take time from the other, or their figures are of both. Who drives gets
//! what the server leaves; on a machine of one CPU they share it, and the row says so.

use serde_json::{Map, Value};

/// CPUs apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Halves {
    /// The server's.
    pub(super) server: Vec<usize>,
    /// The driving threads'.
    pub(super) generator: Vec<usize>,
    /// Whether they are the same.
    pub(super) shared: bool,
}

impl Halves {
    /// Deals `allowed` for a server that wants `threads` CPUs, half of all where it does not say. At
    /// least one is left to drive it.
    pub(super) fn of(allowed: &[usize], threads: Option<usize>) -> Halves {
        if allowed.len() < 2 {
            return Halves {
                server: allowed.to_vec(),
                generator: allowed.to_vec(),
                shared: true,
            };
        }
        let half = allowed.len() / 2;
        let wanted = threads.unwrap_or(half).clamp(1, allowed.len() - 1);
        let (server, generator) = allowed.split_at(wanted);
        Halves {
            server: server.to_vec(),
            generator: generator.to_vec(),
            shared: false,
        }
    }
}

impl Halves {
    /// What a row says of them.
    pub(super) fn notes(&self) -> Map<String, Value> {
        let mut notes = Map::new();
        for (name, cpus) in [
            ("server_cpus", &self.server),
            ("generator_cpus", &self.generator),
        ] {
            notes.insert(name.to_owned(), Value::from(cpus.clone()));
        }
        if self.shared {
            let notice = "one CPU: server and generator share it, so throughput is that of both";
            notes.insert(crate::NOTICE.to_owned(), Value::from(notice));
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpus_are_dealt_apart() {
        let of = |allowed: &[usize], threads| {
            let halves = Halves::of(allowed, threads);
            (halves.server, halves.generator, halves.shared)
        };
        assert_eq!(of(&[3], None), (vec![3], vec![3], true));
        assert_eq!(of(&[0, 1], None), (vec![0], vec![1], false));
        assert_eq!(of(&[0, 1], Some(8)), (vec![0], vec![1], false));
        assert_eq!(of(&[0, 2, 4, 6], None), (vec![0, 2], vec![4, 6], false));
        assert_eq!(of(&[0, 2, 4, 6], Some(1)), (vec![0], vec![2, 4, 6], false));
    }
}
