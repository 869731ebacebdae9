//! A trace as a stream: blocks of requests by dense ids, in the memory that its objects take.

use std::path::Path;

use super::builder::{BLOCK_REQUESTS, Builder};
use super::columns::Columns;
use super::error::TraceError;
use super::format::Reader;
use super::input::Input;
use super::name_of;
use super::outline::Outline;
use super::spec::FormatSpec;

/// A file that promises more requests than this has to show them first.
const RESERVED_MAX: usize = 1 << 26;

/// An open trace, read a block at a time.
pub struct Requests {
    name: String,
    spec: FormatSpec,
    input: Input,
    reader: Reader,
    builder: Builder,
}

impl Requests {
    /// Opens the trace at `path`, as `format` or as its name settles.
    ///
    /// # Errors
    /// The file cannot be read, or its name does not settle the format.
    pub fn open(path: &Path, format: Option<&FormatSpec>) -> Result<Requests, TraceError> {
        let spec = match format {
            Some(spec) => spec.clone(),
            None => FormatSpec::of_file(path)?,
        };
        Ok(Requests {
            name: name_of(path),
            input: Input::open(path)?,
            reader: (spec.format().open)(spec.options()),
            spec,
            builder: Builder::new(),
        })
    }

    /// The next requests; `None` when there are no more.
    ///
    /// # Errors
    /// The file is not what the format says, or has no request.
    pub fn next_block(&mut self) -> Result<Option<&Columns>, TraceError> {
        self.builder.clear();
        let more = self.append()?;
        Ok(more.then_some(&self.builder.columns))
    }

    /// The requests read last. Changing them changes nothing of those to come.
    pub(super) fn block(&mut self) -> &mut Columns {
        &mut self.builder.columns
    }

    /// The trace's name: that of its file, without suffixes.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its format.
    pub fn format(&self) -> &FormatSpec {
        &self.spec
    }

    /// How the trace was made, as JSON, where its format tells and once a block was read.
    pub fn made(&self) -> Option<&str> {
        self.builder.made.as_deref()
    }

    /// How many requests were read so far.
    pub fn requests(&self) -> u64 {
        self.builder.requests() as u64
    }

    /// How many distinct objects were seen so far: ids are below it.
    pub fn object_count(&self) -> u32 {
        self.builder.object_count()
    }

    /// The bytes of all objects seen so far, each as large as when it was first seen.
    pub fn footprint_bytes(&self) -> u64 {
        self.builder.footprint_bytes()
    }

    /// Reads a block behind those that the builder holds; `false` at the end.
    pub(super) fn append(&mut self) -> Result<bool, TraceError> {
        let before = self.builder.columns.len();
        (self.reader)(&mut self.input, &mut self.builder)?;
        let settled = self.builder.settle();
        settled.map_err(|(what, accepted)| self.input.at().bad(what, accepted))?;
        let read = self.builder.columns.len() - before;
        if self.requests() == 0 {
            return Err(TraceError::Empty {
                file: self.input.at().file().to_owned(),
                accepted: self.spec.format().about,
            });
        }
        Ok(read > 0)
    }

    /// Makes room for the requests that the file still has, as far as those read so far foretell them.
    pub(super) fn reserve(&mut self) {
        let Some(share) = self.input.share_read() else {
            return;
        };
        let left = (self.requests() as f64 / share) as usize;
        let columns = &mut self.builder.columns;
        // Where there is no memory for all, there may be for what comes next.
        let _ = columns.try_reserve(left.min(RESERVED_MAX).saturating_sub(columns.len()));
    }

    /// Makes room for the next block.
    ///
    /// # Errors
    /// There is no memory for it.
    pub(super) fn make_room(&mut self) -> Result<(), TraceError> {
        if self.builder.columns.try_reserve(BLOCK_REQUESTS).is_ok() {
            return Ok(());
        }
        let what = format!(
            "there is no memory for more than {} requests",
            self.requests()
        );
        Err(self.bad(
            what,
            "shorter traces; --stream keeps none, and trace sample takes a part",
        ))
    }

    /// What is known of the requests read, and those of them that are still here.
    pub(super) fn into_parts(self) -> (Outline, Columns) {
        self.builder.into_parts(self.name)
    }

    /// What is known of the requests read.
    pub(super) fn into_outline(self) -> Outline {
        self.into_parts().0
    }

    /// # Errors
    /// More than so many requests were read.
    pub(super) fn must_be_at_most(&self, requests: usize) -> Result<(), TraceError> {
        if self.requests() <= requests as u64 {
            return Ok(());
        }
        let what = format!("more than {requests} requests");
        Err(self.bad(what, "shorter traces; sample this one"))
    }

    /// An error about the trace as far as it was read.
    pub(super) fn bad(&self, what: String, accepted: &str) -> TraceError {
        self.input.at().bad(what, accepted)
    }
}
