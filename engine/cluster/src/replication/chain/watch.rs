//! The leader of the group watches the nodes, and says what the chain should become.

use std::collections::BTreeMap;

use super::super::NodeId;
use super::config::{Config, Member};
use crate::time::Nanos;

/// What a node said of itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word {
    pub(super) life: u64,
    pub(super) epoch: u64,
    pub(super) has_data: bool,
}

/// When each node was heard last, since this node leads.
pub(super) struct Watch {
    /// Silence after which a node is left out.
    failure: Nanos,
    /// In which term it leads.
    term: u64,
    heard: BTreeMap<NodeId, (Nanos, Option<Word>)>,
    /// The term and the epoch in which a change was proposed: one at a time.
    proposed: Option<(u64, u64)>,
}

impl Watch {
    pub(super) fn new(failure: Nanos) -> Watch {
        Watch {
            failure,
            term: 0,
            heard: BTreeMap::new(),
            proposed: None,
        }
    }

    /// This node leads in `term`: where it is a new one, everybody has just been heard.
    pub(super) fn lead(&mut self, now: Nanos, term: u64, nodes: &[NodeId]) {
        if self.term != term {
            self.term = term;
            self.heard = nodes.iter().map(|node| (*node, (now, None))).collect();
        }
    }

    pub(super) fn hear(&mut self, now: Nanos, node: NodeId, word: Word) {
        if let Some(heard) = self.heard.get_mut(&node) {
            *heard = (now, Some(word));
        }
    }

    /// What the chain should become; `None` where it is well, or a change of it is under way.
    pub(super) fn change(&mut self, now: Nanos, chain: &Config) -> Option<Vec<Member>> {
        if self.proposed == Some((self.term, chain.epoch)) {
            return None;
        }
        let said = |member: &Member| self.heard.get(&member.node).and_then(|heard| heard.1);
        let gone = |member: &Member| {
            !self.lives(now, member.node) || said(member).is_some_and(|it| it.life != member.life)
        };
        let has_data = |member: &Member| {
            said(member)
                .is_some_and(|it| it.life == member.life && it.epoch == chain.epoch && it.has_data)
        };
        let newcomer = || {
            let mut alive = self
                .heard
                .iter()
                .filter(|(node, _)| self.lives(now, **node));
            alive.find_map(|(node, (_, word))| chain.with(*node, word.as_ref()?.life))
        };
        let change = chain
            .without(gone)
            .or_else(|| chain.with_ready(has_data))
            .or_else(newcomer)?;
        self.proposed = Some((self.term, chain.epoch));
        Some(change)
    }

    fn lives(&self, now: Nanos, node: NodeId) -> bool {
        self.heard
            .get(&node)
            .is_some_and(|(at, _)| now.since(*at) < self.failure)
    }
}
