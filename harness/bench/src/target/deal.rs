//! Which CPUs a server gets and which the threads that drive it.
//!
//! The one idea: neither may take time from the other, or their figures are of both. So whole cores are
//! dealt, with all the threads that a core runs at once, and cores of one NUMA node before the next. What
//! cannot be kept apart is told in the row.

use seawall_sys::topology::Topology;
use serde_json::{Map, Value};

use crate::cost::{Drivers, Effort};
use crate::setting::Configuration;

/// CPUs of a server and of who drives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Deal {
    /// The server's, as far as they are known; empty where it is elsewhere.
    pub(crate) server: Vec<usize>,
    /// The driving threads', which are tied to them; empty where they run anywhere.
    pub(crate) generator: Vec<usize>,
    /// Whether some CPUs are both the server's and the driver's, or may be.
    pub(crate) shared: bool,
    /// What a row says of it.
    pub(crate) notice: Option<String>,
}

impl Deal {
    /// Deals `allowed` for a server that wants `cores`, half of all where it does not say. At least one
    /// core is left to drive it.
    pub(super) fn of(allowed: &[usize], topology: Option<&Topology>, cores: Option<usize>) -> Deal {
        let hands = hands(allowed, topology);
        match hands.as_slice() {
            [] => Deal {
                server: Vec::new(),
                generator: Vec::new(),
                shared: true,
                notice: Some("the kernel tells no CPUs: server and driver run anywhere".to_owned()),
            },
            [one] => match one.split_first() {
                Some((first, rest)) if !rest.is_empty() => Deal {
                    server: vec![*first],
                    generator: rest.to_vec(),
                    shared: false,
                    notice: Some(
                        "one core: server and driver are threads of it and slow each other"
                            .to_owned(),
                    ),
                },
                _ => Deal {
                    server: one.clone(),
                    generator: one.clone(),
                    shared: true,
                    notice: Some(
                        "one CPU: server and driver share it, so throughput is that of both"
                            .to_owned(),
                    ),
                },
            },
            hands => {
                let wanted = cores.unwrap_or(hands.len() / 2).clamp(1, hands.len() - 1);
                let (server, generator) = hands.split_at(wanted);
                Deal {
                    server: server.concat(),
                    generator: generator.concat(),
                    shared: false,
                    notice: None,
                }
            }
        }
    }

    /// As it is wanted, on this machine.
    pub(super) fn wanted(configuration: &Configuration) -> Deal {
        let cores = configuration.server_threads.or(configuration.shards);
        if configuration.shared_cpus {
            let allowed = seawall_sys::pin::allowed().to_vec();
            return Deal {
                server: allowed.clone(),
                generator: allowed,
                shared: true,
                notice: None,
            };
        }
        Deal::here(cores)
    }

    /// As [`Deal::of`], on this machine.
    fn here(cores: Option<usize>) -> Deal {
        Deal::of(seawall_sys::pin::allowed(), topology(), cores)
    }

    /// Around a server on this machine that is tied to `tied`; to nothing that is known where absent.
    pub(super) fn around(
        allowed: &[usize],
        topology: Option<&Topology>,
        tied: Option<&[usize]>,
    ) -> Deal {
        let hands = hands(allowed, topology);
        let is_free = |hand: &&Vec<usize>| {
            tied.is_some_and(|tied| hand.iter().all(|cpu| !tied.contains(cpu)))
        };
        let free: Vec<usize> = hands.iter().filter(is_free).flatten().copied().collect();
        // One that is tied to none may run on all.
        let server = tied.unwrap_or(allowed).to_vec();
        if !free.is_empty() {
            return Deal {
                server,
                generator: free,
                shared: false,
                notice: None,
            };
        }
        // The last half of the cores; the kernel will move the server away as far as it may.
        let generator = hands[hands.len() / 2..].concat();
        let notice = match tied {
            Some(_) => "the server is tied to CPUs that its driver needs, too",
            None => "the server is tied to no CPUs, and may run on those of its driver",
        };
        Deal {
            server,
            generator,
            shared: true,
            notice: Some(format!(
                "{notice}: both are slower than they would be apart"
            )),
        }
    }

    /// As [`Deal::around`], on this machine.
    pub(super) fn beside(tied: Option<&[usize]>) -> Deal {
        Deal::around(seawall_sys::pin::allowed(), topology(), tied)
    }

    /// Driving a server of another machine: every CPU is the driver's.
    pub(super) fn away(allowed: &[usize]) -> Deal {
        Deal {
            server: Vec::new(),
            generator: allowed.to_vec(),
            shared: false,
            notice: None,
        }
    }

    /// What a row says of it.
    pub(crate) fn notes(&self) -> Map<String, Value> {
        let mut notes = Map::new();
        for (name, cpus) in [
            ("server_cpus", &self.server),
            ("generator_cpus", &self.generator),
        ] {
            if !cpus.is_empty() {
                notes.insert(name.to_owned(), Value::from(cpus.clone()));
            }
        }
        notes.insert("cpus_shared".to_owned(), Value::from(self.shared));
        if let Some(notice) = &self.notice {
            notes.insert(crate::NOTICE.to_owned(), Value::from(notice.as_str()));
        }
        notes
    }

    /// Who drives, with what, beside whom.
    pub(crate) fn drivers<'a>(&self, efforts: &'a [Effort]) -> Drivers<'a> {
        Drivers {
            efforts,
            cores: efforts.len().min(self.generator.len().max(1)),
            target_cpus: self.server.len(),
            cpus: self.cpus().len(),
            shared: self.shared,
        }
    }

    /// All of them, each once.
    pub(crate) fn cpus(&self) -> Vec<usize> {
        let mut all = [self.server.as_slice(), &self.generator].concat();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// The machine's shape; where the kernel shows none, every CPU counts as a core.
fn topology() -> Option<&'static Topology> {
    Topology::of_machine().ok()
}

/// The allowed CPUs by core, cores of a node together.
fn hands(allowed: &[usize], topology: Option<&Topology>) -> Vec<Vec<usize>> {
    let place = |cpu: usize| {
        let topology = topology?;
        let core = topology.cpus.iter().find(|other| other.id == cpu)?.core;
        let of_node = |node: &seawall_sys::topology::Node| node.cpus.contains(&cpu);
        Some((topology.nodes.iter().position(of_node)?, core))
    };
    let mut placed: Vec<((usize, usize), usize)> = allowed
        .iter()
        .map(|&cpu| (place(cpu).unwrap_or((0, cpu)), cpu))
        .collect();
    placed.sort_unstable();
    placed
        .chunk_by(|one, other| one.0 == other.0)
        .map(|core| core.iter().map(|(_, cpu)| *cpu).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use seawall_sys::topology::{Cpu, Node};

    /// A machine whose CPU `i` is of core `cores[i]` and node `nodes[i]`.
    fn machine(cores: &[usize], nodes: &[usize]) -> Topology {
        let count = nodes.iter().max().map_or(0, |last| last + 1);
        let of_node = |node: usize| Node {
            id: node,
            cpus: (0..nodes.len()).filter(|&cpu| nodes[cpu] == node).collect(),
            memory_bytes: 1 << 30,
            distances: (0..count)
                .map(|other| if other == node { 10 } else { 20 })
                .collect(),
        };
        let cpus = cores.iter().enumerate();
        Topology {
            nodes: (0..count).map(of_node).collect(),
            cpus: cpus.map(|(id, &core)| Cpu { id, core }).collect(),
            caches: Vec::new(),
        }
    }

    fn dealt(deal: Deal) -> (Vec<usize>, Vec<usize>, bool) {
        (deal.server, deal.generator, deal.shared)
    }

    #[test]
    fn cpus_are_dealt_apart() {
        let of = |allowed: &[usize], cores| dealt(Deal::of(allowed, None, cores));
        assert_eq!(of(&[], None), (vec![], vec![], true));
        assert_eq!(of(&[3], None), (vec![3], vec![3], true));
        assert_eq!(of(&[0, 1], None), (vec![0], vec![1], false));
        assert_eq!(of(&[0, 1], Some(8)), (vec![0], vec![1], false));
        assert_eq!(of(&[0, 2, 4, 6], None), (vec![0, 2], vec![4, 6], false));
        assert_eq!(of(&[0, 2, 4, 6], Some(1)), (vec![0], vec![2, 4, 6], false));
        let told = |allowed: &[usize]| Deal::of(allowed, None, None).notice.unwrap_or_default();
        assert!(told(&[]).contains("no CPUs") && told(&[1]).contains("one CPU"));
        assert_eq!(told(&[0, 1]), "");
    }

    #[test]
    fn a_core_is_never_of_both() {
        // The usual numbering: the second thread of core i is CPU i + 4.
        let wide = machine(&[0, 1, 2, 3, 0, 1, 2, 3], &[0; 8]);
        let all: Vec<usize> = (0..8).collect();
        let of = |cores| dealt(Deal::of(&all, Some(&wide), cores));
        assert_eq!(of(None), (vec![0, 4, 1, 5], vec![2, 6, 3, 7], false));
        assert_eq!(of(Some(1)), (vec![0, 4], vec![1, 5, 2, 6, 3, 7], false));
        // One core alone: its threads are dealt, and that is told.
        let deal = Deal::of(&[1, 5], Some(&wide), None);
        assert!(
            deal.notice
                .as_ref()
                .is_some_and(|told| told.contains("one core"))
        );
        assert_eq!(dealt(deal), (vec![1], vec![5], false));
        // A server on one thread of a core has the core.
        let deal = Deal::around(&all, Some(&wide), Some(&[0]));
        assert_eq!(deal.generator, [1, 5, 2, 6, 3, 7]);
    }

    #[test]
    fn cores_of_one_node_are_dealt_first() {
        let mixed = machine(&[0, 1, 2, 3], &[0, 1, 0, 1]);
        let deal = Deal::of(&[0, 1, 2, 3], Some(&mixed), None);
        assert_eq!(dealt(deal), (vec![0, 2], vec![1, 3], false));
    }

    #[test]
    fn who_drives_keeps_off_a_server_that_is_tied() {
        let around = |tied| Deal::around(&[0, 1, 2, 3], None, tied);
        let deal = around(Some(&[1, 2]));
        assert_eq!((deal.generator, deal.shared), (vec![0, 3], false));
        for tied in [None, Some(&[0, 1, 2, 3][..])] {
            let deal = around(tied);
            assert_eq!(
                (deal.generator.as_slice(), deal.shared),
                (&[2, 3][..], true)
            );
            assert!(deal.notice.is_some());
        }
    }
}
