//! Data before the run: put in place as if it had been written and replicated long ago.

use seawall_store::{Op, Out, Reply};

use super::World;
use super::load::Load;
use super::node::empty_shard;

impl World<'_> {
    pub(super) fn load(&mut self) {
        let mut out = Out::default();
        let mut fresh: Vec<_> = self
            .base
            .iter()
            .map(|_| empty_shard(&self.plan.scenario.policy))
            .collect();
        for client in 0..self.clients.len() {
            while let Load::Ops(workload) = &mut self.clients[client].load {
                let Some(op) = workload.preload() else {
                    break;
                };
                self.lay(&op, &mut fresh, &mut out);
                let reply = Reply::parse(out.reply.as_bytes());
                if let (Some((reply, _)), Load::Ops(workload)) =
                    (reply, &mut self.clients[client].load)
                {
                    // What a fresh shard answers is right.
                    let _ = workload.observe(&op, &reply);
                }
                out.clear();
            }
        }
        // Rows are all clients' alike. The least popular first, so that a store too small for all holds the others.
        let warm = self.clients[0].rows().map_or(0, |rows| rows.warm());
        for row in (0..warm).rev() {
            for copy in 0..self.copies_of(row) {
                if let Some(op) = self.loaded_row(0, row, copy) {
                    self.lay(&op, &mut fresh, &mut out);
                    out.clear();
                }
            }
        }
        for node in &mut self.nodes {
            let base = &self.base[usize::from(node.shard_number)];
            node.load(base, &mut self.history);
        }
    }

    /// Puts one op in place.
    fn lay(&mut self, op: &Op, fresh: &mut [seawall_store::Shard], out: &mut Out) {
        let shard = op.key().map_or(0, |key| self.sharding.shard_of(key));
        fresh[usize::from(shard)].apply(self.now.millis(), op, out);
        let effects = out.effects.as_bytes();
        let write = self.history.load(op, shard, self.now.millis(), effects);
        self.base[usize::from(shard)].push(write);
    }
}
