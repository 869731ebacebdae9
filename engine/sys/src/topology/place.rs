//! Which shard goes to which worker, CPU and node: a decision, and nothing done.
//!
//! The one idea: shards are dealt like cards. Workers take CPUs one node after another, whole cores
//! before second threads of a core, and shards go round the workers; so nodes, cores and workers each
//! carry as equal a share as the mask allows. Where there are fewer shards than nodes, nodes near
//! each other are taken, since shards forward ops to one another.

use super::{Node, Topology};

/// Where one shard lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The shard.
    pub shard: usize,
    /// The worker that owns it, from 0.
    pub worker: usize,
    /// The CPU that the worker is pinned to.
    pub cpu: usize,
    /// The node that the shard's memory comes from: the CPU's own, or the nearest that has memory.
    pub node: usize,
}

/// Why shards could not be placed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// No CPU that is online may be used.
    #[error("no CPU to run on: the affinity mask allows {allowed:?}, online are {online:?}")]
    NoCpu {
        /// The mask.
        allowed: Vec<usize>,
        /// The machine's CPUs.
        online: Vec<usize>,
    },
}

/// Places `shards` shards on the CPUs of `topology` that `allowed` names. There are as many workers
/// as shards or CPUs, whichever is fewer; placements come in the order of shards.
///
/// # Errors
/// Where no online CPU is allowed.
pub fn place(
    shards: usize,
    topology: &Topology,
    allowed: &[usize],
) -> Result<Vec<Placement>, PlaceError> {
    let seats = seats(topology, allowed);
    if seats.is_empty() {
        return Err(PlaceError::NoCpu {
            allowed: allowed.to_vec(),
            online: topology.cpus.iter().map(|cpu| cpu.id).collect(),
        });
    }
    let workers = seats.len().min(shards);
    let place_shard = |shard: usize| {
        let worker = shard % workers;
        let (cpu, node) = seats[worker];
        Placement {
            shard,
            worker,
            cpu,
            node,
        }
    };
    Ok((0..shards).map(place_shard).collect())
}

/// Every usable CPU with the node of its memory, in the order in which workers take them.
fn seats(topology: &Topology, allowed: &[usize]) -> Vec<(usize, usize)> {
    // Of each node: first one thread of every core, then the threads that share a core with those.
    let hands: Vec<(&Node, Vec<usize>, Vec<usize>)> = topology
        .nodes
        .iter()
        .map(|node| {
            let mut cores_taken = Vec::new();
            let usable = topology
                .cpus
                .iter()
                .filter(|cpu| node.cpus.contains(&cpu.id) && allowed.contains(&cpu.id));
            let (whole, shared) = usable.partition::<Vec<_>, _>(|cpu| {
                let first = !cores_taken.contains(&cpu.core);
                cores_taken.push(cpu.core);
                first
            });
            let ids = |cpus: Vec<&super::Cpu>| cpus.into_iter().map(|cpu| cpu.id).collect();
            (node, ids(whole), ids(shared))
        })
        .collect();
    let order = near_first(
        topology,
        &hands.iter().map(|hand| hand.1.len()).collect::<Vec<_>>(),
    );
    let mut seats = Vec::new();
    for shared in [false, true] {
        for round in 0..topology.cpus.len() {
            for &i in &order {
                let (node, whole, second) = &hands[i];
                let cpus = if shared { second } else { whole };
                if let Some(&cpu) = cpus.get(round) {
                    seats.push((cpu, memory_of(topology, node)));
                }
            }
        }
    }
    seats
}

/// The nodes that have usable cores, as indexes: the one with most first, then whichever is nearest
/// to all before it; ties go to the lower number.
fn near_first(topology: &Topology, cores: &[usize]) -> Vec<usize> {
    let mut left: Vec<usize> = (0..cores.len()).filter(|&i| cores[i] > 0).collect();
    let mut order: Vec<usize> = Vec::with_capacity(left.len());
    while let Some(&next) = left.iter().min_by_key(|&&i| {
        let away: u64 = order
            .iter()
            .map(|&j| u64::from(topology.nodes[j].distances[i]))
            .sum();
        (away, std::cmp::Reverse(cores[i]), i)
    }) {
        order.push(next);
        left.retain(|&i| i != next);
    }
    order
}

/// The nearest node with memory; the node itself where none tells of any.
fn memory_of(topology: &Topology, node: &Node) -> usize {
    topology
        .nodes
        .iter()
        .zip(&node.distances)
        .filter(|(near, _)| near.memory_bytes > 0)
        .min_by_key(|(near, distance)| (**distance, near.id != node.id, near.id))
        .map_or(node.id, |(near, _)| near.id)
}
