//! The pen: what a shard shows of itself, written down and given to the clerk.

use std::sync::Arc;

use super::Saves;
use super::clerk::{Job, Paper};
use crate::keyspace::{Entry, Records};
use crate::snapshot::{Meta, Part, Sink, Writer};

/// What finished parts go through.
struct Ink {
    saves: Arc<Saves>,
    paper: Arc<Paper>,
}

impl Sink for Ink {
    fn put(&mut self, part: Part) {
        let paper = Arc::clone(&self.paper);
        self.saves.clerk.give(Job::Put(paper, part));
    }
}

/// Writes the records of one shard.
pub(in crate::store) struct Pen {
    /// `None` at the end.
    writer: Option<Writer<Ink>>,
    saves: Arc<Saves>,
    paper: Arc<Paper>,
}

impl Pen {
    /// Writes what `meta` says to `paper`.
    pub(in crate::store) fn new(saves: &Arc<Saves>, paper: Paper, meta: &Meta) -> Pen {
        let paper = Arc::new(paper);
        let ink = Ink {
            saves: Arc::clone(saves),
            paper: Arc::clone(&paper),
        };
        Pen {
            writer: Some(Writer::new(ink, meta)),
            saves: Arc::clone(saves),
            paper,
        }
    }

    fn writer(&mut self) -> &mut Writer<Ink> {
        self.writer.as_mut().expect("it writes until its end")
    }
}

impl Records for Pen {
    fn walked(&mut self, position: u64) {
        self.writer().walked(position);
    }

    fn ahead(&mut self, position: u64) {
        self.writer().ahead(position);
    }

    fn part(&mut self, entry: &Entry<'_>, from: usize, most: usize) -> usize {
        self.writer().part(entry, from, most)
    }

    fn finish(mut self: Box<Self>) {
        let writer = self.writer.take().expect("it ends once");
        let paper = Arc::clone(&self.paper);
        match writer.close() {
            Ok((_, ending)) => self.saves.clerk.give(Job::End(paper, ending)),
            Err(error) => {
                let error = self.saves.unwritable(paper.name(), error);
                paper.slip().fill(Err(error));
                self.saves.clerk.give(Job::Drop(paper));
            }
        }
    }
}

impl Drop for Pen {
    fn drop(&mut self) {
        if self.writer.is_some() {
            self.saves.clerk.give(Job::Drop(Arc::clone(&self.paper)));
        }
    }
}
