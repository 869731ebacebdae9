//! Writing traces, a block at a time: under another name first, so that a file is whole or not there.

pub(super) mod csv;
pub(super) mod oracle_general;
pub(super) mod swt;
pub(super) mod text;

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::columns::{Columns, Op};
use super::error::TraceError;
use super::format::{Format, LIST};
use super::input::uncompressed_name;

/// What writes a format.
pub trait Writer {
    /// Appends requests, at least one, all with the same columns as the first; ids are dense over all blocks.
    ///
    /// # Errors
    /// The file cannot be written.
    fn write(&mut self, block: &Columns) -> io::Result<()>;

    /// Writes what is left.
    ///
    /// # Errors
    /// The file cannot be written.
    fn finish(&mut self) -> io::Result<()>;

    /// What the format has no room for.
    fn leaves_out(&self) -> &'static [LeftOut] {
        &[]
    }
}

/// Something of requests that a format may have no room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOut {
    /// Sizes of objects.
    Sizes,
    /// Times.
    Times,
    /// Ops: without, each request is a get.
    Ops,
    /// How long objects live.
    Ttls,
}

impl LeftOut {
    /// In how many requests of a block there is something of this.
    fn count(self, block: &Columns) -> usize {
        match self {
            LeftOut::Sizes => block.sizes().len(),
            LeftOut::Times => block.times_s().len(),
            LeftOut::Ops => block.ops().iter().filter(|op| **op != Op::Get).count(),
            LeftOut::Ttls => block.ttls_s().iter().filter(|ttl| **ttl > 0).count(),
        }
    }

    fn words(self) -> &'static str {
        match self {
            LeftOut::Sizes => "sizes",
            LeftOut::Times => "times",
            LeftOut::Ops => "sets and deletes, which become gets",
            LeftOut::Ttls => "TTLs",
        }
    }
}

/// Makes what writes a format to an empty file. `made` tells how the trace is made, where the format
/// has room for that.
pub type Create = fn(File, made: &Value) -> io::Result<Box<dyn Writer>>;

/// A trace that is being written.
pub struct Output {
    path: PathBuf,
    partial: PathBuf,
    file: File,
    writer: Box<dyn Writer>,
    /// In how many requests there was something that the format has no room for.
    left_out: Vec<(LeftOut, usize)>,
    whole: bool,
}

impl Output {
    /// Begins a trace at `path`, which [`Output::finish`] replaces.
    ///
    /// # Errors
    /// The format is none that is written, or there can be no such file.
    pub fn create(path: &Path, format: &Format, made: &Value) -> Result<Output, TraceError> {
        let Some(create) = format.create else {
            let written = LIST.iter().filter(|format| format.create.is_some());
            let names: Vec<&str> = written.map(|format| format.name).collect();
            return Err(TraceError::NotWritten {
                format: format.name,
                accepted: names.join(", "),
            });
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if uncompressed_name(&name) != name {
            let file = path.display().to_string();
            return Err(TraceError::NotCompressed { file });
        }
        // A rename would put a file in the place of a device or a folder.
        if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
            return Err(failed(path, io::Error::other("is there and no file")));
        }
        let mut partial = path.as_os_str().to_owned();
        partial.push(".tmp");
        let partial = PathBuf::from(partial);
        let open = || -> io::Result<(File, Box<dyn Writer>)> {
            let mut options = OpenOptions::new();
            let file = options
                .write(true)
                .create(true)
                .truncate(true)
                .open(&partial)?;
            let writer = create(file.try_clone()?, made)?;
            Ok((file, writer))
        };
        let (file, writer) = open().map_err(|source| failed(&partial, source))?;
        Ok(Output {
            path: path.to_owned(),
            partial: partial.clone(),
            file,
            left_out: writer.leaves_out().iter().map(|it| (*it, 0)).collect(),
            writer,
            whole: false,
        })
    }

    /// Appends requests.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&mut self, block: &Columns) -> Result<(), TraceError> {
        if block.is_empty() {
            return Ok(());
        }
        for (left_out, requests) in &mut self.left_out {
            *requests += left_out.count(block);
        }
        let written = self.writer.write(block);
        written.map_err(|source| failed(&self.partial, source))
    }

    /// What the format had no room for, in words, and in how many requests.
    pub fn left_out(&self) -> impl Iterator<Item = (&'static str, usize)> {
        let told = self.left_out.iter().filter(|(_, requests)| *requests > 0);
        told.map(|(left_out, requests)| (left_out.words(), *requests))
    }

    /// The trace is whole: it is made durable and gets its name.
    ///
    /// # Errors
    /// The file cannot be written, synced or renamed.
    pub fn finish(mut self) -> Result<(), TraceError> {
        let folder = match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let done = self
            .writer
            .finish()
            .and_then(|()| self.file.sync_all())
            .and_then(|()| fs::rename(&self.partial, &self.path))
            .and_then(|()| File::open(folder)?.sync_all());
        done.map_err(|source| failed(&self.path, source))?;
        self.whole = true;
        Ok(())
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if !self.whole {
            // What is left of it is nobody's, as its name says.
            let _ = fs::remove_file(&self.partial);
        }
    }
}

fn failed(path: &Path, source: io::Error) -> TraceError {
    TraceError::Io {
        file: path.display().to_string(),
        source,
    }
}
