//! Where requests come from: a trace in memory, or one that is read anew for each cell.

use std::ops::Range;

use seawall_workloads::trace::{Columns, Outline, Stream, Trace, TraceError};

use crate::counts::{Counts, Parts};

/// A trace to be replayed.
#[derive(Clone, Copy, Debug)]
pub enum Source<'t> {
    /// In memory.
    Held(&'t Trace),
    /// Read anew each time.
    Streamed(&'t Stream),
}

/// Requests of one part that stand behind each other in memory.
pub struct Stretch<'a> {
    /// Which part.
    pub part: usize,
    /// The requests, and others beside them.
    pub columns: &'a Columns,
    /// Where in the columns they stand.
    pub range: Range<usize>,
    /// How many requests of the trace are before the first of the columns.
    pub before: usize,
    /// What they count where all are gets, none of them missed yet.
    pub requested: Counts,
}

impl<'t> Source<'t> {
    /// What is known of the trace as a whole.
    pub fn outline(self) -> &'t Outline {
        match self {
            Source::Held(trace) => trace.outline(),
            Source::Streamed(stream) => stream.outline(),
        }
    }

    /// Shows `play` all requests in their order, in stretches of the parts.
    ///
    /// # Errors
    /// The trace's file cannot be read, or is not what it was.
    pub fn play(self, parts: &Parts, play: &mut dyn FnMut(Stretch<'_>)) -> Result<(), TraceError> {
        match self {
            Source::Held(trace) => {
                for (part, (range, requested)) in parts.of_gets().enumerate() {
                    play(Stretch {
                        part,
                        columns: trace.columns(),
                        range,
                        before: 0,
                        requested,
                    });
                }
                Ok(())
            }
            Source::Streamed(stream) => {
                let mut before = 0;
                stream.each(&mut |columns| {
                    for (part, range) in parts.within(before..before + columns.len()) {
                        let range = range.start - before..range.end - before;
                        play(Stretch {
                            part,
                            columns,
                            requested: Counts::of(columns, range.clone()),
                            range,
                            before,
                        });
                    }
                    before += columns.len();
                })
            }
        }
    }
}

impl<'t> From<&'t Trace> for Source<'t> {
    fn from(trace: &'t Trace) -> Source<'t> {
        Source::Held(trace)
    }
}

impl<'t> From<&'t Stream> for Source<'t> {
    fn from(stream: &'t Stream) -> Source<'t> {
        Source::Streamed(stream)
    }
}
