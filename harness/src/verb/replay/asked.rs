//! The trace of a replay: in memory, or read anew for each cell.

use seawall_lab::{Source, Subject};
use seawall_workloads::trace::{Stream, Trace};

use super::Arguments;
use super::overhead::Overhead;
use crate::input::Input;
use crate::status::{Failure, Outcome};

/// A trace as it was asked for.
pub(super) enum Asked {
    Held(Box<Held>),
    Streamed(Stream),
}

/// A trace in memory.
pub(super) struct Held {
    /// With the sizes of its objects alone.
    pub(super) plain: Trace,
    /// Where something lies beside each object: with that in the sizes.
    counted: Option<Trace>,
}

impl Asked {
    /// Reads the trace, or opens it to be read.
    pub(super) fn read(input: &Input, arguments: &Arguments, overhead: Overhead) -> Outcome<Asked> {
        let (format, gets_alone) = (arguments.format.as_ref(), arguments.ignore_ops);
        if arguments.stream
            && let Some(stream) = input.stream(format)
        {
            let mut stream = stream?;
            if gets_alone {
                stream = stream.as_gets_alone();
            }
            if overhead != Overhead::Bytes(0) {
                let bytes = move |size, expires| overhead.bytes_of(size, expires);
                stream = stream.with_sizes(bytes).map_err(Failure::usage)?;
            }
            return Ok(Asked::Streamed(stream));
        }
        let mut plain = input.read(format)?;
        if gets_alone {
            plain = plain.as_gets_alone();
        }
        let counted = match overhead {
            Overhead::Bytes(0) => None,
            overhead => {
                let bytes = |size, expires| overhead.bytes_of(size, expires);
                Some(plain.clone().with_sizes(bytes))
            }
        };
        Ok(Asked::Held(Box::new(Held { plain, counted })))
    }

    /// What is replayed.
    pub(super) fn source(&self) -> Source<'_> {
        match self {
            Asked::Held(held) => held.counted.as_ref().unwrap_or(&held.plain).into(),
            Asked::Streamed(stream) => stream.into(),
        }
    }
}

/// Says who cannot replay a trace of more than gets, or one that is not in memory; an error where nobody can.
pub(super) fn left_out(source: Source<'_>, subjects: &[Subject]) -> Result<(), Failure> {
    let mut cannot = subjects
        .iter()
        .filter(|subject| !subject.can_replay(source))
        .map(Subject::name)
        .collect::<Vec<_>>();
    cannot.dedup();
    if cannot.is_empty() {
        return Ok(());
    }
    let (name, cannot_replay) = (source.outline().name(), cannot.join(", "));
    let words = match source {
        Source::Held(_) => format!(
            "trace '{name}' tells of sets, deletes or TTLs, which {cannot_replay} cannot replay; accepted with \
             --ignore-ops: every request is a get"
        ),
        Source::Streamed(_) => format!(
            "trace '{name}' is not kept in memory, as {cannot_replay} want it; accepted without --stream"
        ),
    };
    if cannot.len() == subjects.len() {
        return Err(Failure::Usage(words));
    }
    eprintln!("note: {words}");
    Ok(())
}
