//! A trace that is not kept in memory: its file is read anew each time, a block of requests after the other.

use std::path::{Path, PathBuf};

use super::columns::Columns;
use super::error::TraceError;
use super::outline::Outline;
use super::requests::Requests;
use super::spec::FormatSpec;
use super::{PROGRESS_EVERY, REQUESTS_MAX};

/// A trace by its file and its outline: a word for each object and each second, nothing for a request.
#[derive(Clone, Debug)]
pub struct Stream {
    path: PathBuf,
    format: Option<FormatSpec>,
    outline: Outline,
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

    /// Shows `visit` all requests, block by block.
    ///
    /// # Errors
    /// The file cannot be read, or is not what it was when it was opened.
    pub fn each(&self, visit: &mut dyn FnMut(&Columns)) -> Result<(), TraceError> {
        let mut requests = Requests::open(&self.path, self.format.as_ref())?;
        if self.outline.is_gets_alone {
            requests.keep_gets_alone();
        }
        while requests.next_block()?.is_some() {
            if self.is_beyond(&requests) {
                return Err(changed(&requests));
            }
            visit(requests.block());
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
