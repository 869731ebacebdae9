//! A trace that is not kept in memory: its file is read anew each time, a block of requests after the other.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::columns::Columns;
use super::error::TraceError;
use super::outline::{Footprint, Outline};
use super::requests::Requests;
use super::spec::FormatSpec;
use super::{PROGRESS_EVERY, REQUESTS_MAX};

/// A trace by its file and its outline: a word for each object and each second, nothing for a request.
#[derive(Clone, Debug)]
pub struct Stream {
    path: PathBuf,
    format: Option<FormatSpec>,
    outline: Outline,
    sizes: Option<Sizes>,
}

/// What an object takes, by its size and by whether it ends.
#[derive(Clone)]
struct Sizes(Arc<dyn Fn(u32, bool) -> u64 + Send + Sync>);

impl fmt::Debug for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sizes")
    }
}

impl Stream {
    /// The trace at `path`, as `format` or as its name settles, once read to its end. `progress` hears the number of
    /// requests read, every quarter of a million and at the end.
    ///
    /// # Errors
    /// The file cannot be read or is not what the format says, or it has too many requests.
    pub fn open(
        path: &Path,
        format: Option<&FormatSpec>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Stream, TraceError> {
        let mut requests = Requests::open(path, format)?;
        let mut told = 0;
        while requests.next_block()?.is_some() {
            requests.must_be_at_most(REQUESTS_MAX)?;
            if requests.requests() - told >= PROGRESS_EVERY {
                told = requests.requests();
                progress(told);
            }
        }
        progress(requests.requests());
        Ok(Stream {
            path: path.to_owned(),
            format: format.cloned(),
            outline: requests.into_outline(),
            sizes: None,
        })
    }

    /// What is known of it as a whole.
    pub fn outline(&self) -> &Outline {
        &self.outline
    }

    /// The trace with every request a get, and no object that ends.
    #[must_use]
    pub fn as_gets_alone(mut self) -> Stream {
        self.outline.is_gets_alone = true;
        self
    }

    /// The trace with other sizes: `bytes` tells what a request's object takes by its size and by whether it ends. The file is read
    /// for what all objects take.
    ///
    /// # Errors
    /// The file cannot be read, or is not what it was when it was opened.
    pub fn with_sizes(
        mut self,
        bytes: impl Fn(u32, bool) -> u64 + Send + Sync + 'static,
    ) -> Result<Stream, TraceError> {
        self.sizes = Some(Sizes(Arc::new(bytes)));
        let mut footprint = Footprint::default();
        self.each(&mut |columns| footprint.add(columns))?;
        self.outline.footprint_bytes = footprint.bytes;
        Ok(self)
    }

    /// Shows `visit` all requests, block by block.
    ///
    /// # Errors
    /// The file cannot be read, or is not what it was when it was opened.
    pub fn each(&self, visit: &mut dyn FnMut(&Columns)) -> Result<(), TraceError> {
        let mut requests = Requests::open(&self.path, self.format.as_ref())?;
        while requests.next_block()?.is_some() {
            if self.is_beyond(&requests) {
                return Err(changed(&requests));
            }
            let block = requests.block();
            if self.outline.is_gets_alone {
                block.keep_gets_alone();
            }
            if let Some(Sizes(bytes)) = &self.sizes {
                block.resize(&**bytes);
            }
            visit(block);
        }
        if requests.requests() == self.outline.requests as u64 {
            Ok(())
        } else {
            Err(changed(&requests))
        }
    }

    fn is_beyond(&self, requests: &Requests) -> bool {
        requests.requests() > self.outline.requests as u64
            || requests.object_count() > self.outline.object_count
    }
}

fn changed(requests: &Requests) -> TraceError {
    requests.bad(
        "the file is not what it was when it was first read".to_owned(),
        "a file that nobody writes meanwhile",
    )
}
