//! Traces as the program opens them: files, and the one that it carries.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use seawall_workloads::trace::{self, FormatSpec, Requests, Stream, Trace, TraceError};
use xxhash_rust::xxh3::Xxh3;

use crate::status::{Failure, Outcome};

/// The trace that the program carries: its name, its file's name, and its content.
const CARRIED: (&str, &str, &[u8]) = (
    "dev-session",
    "dev-session.oracleGeneral.zst",
    include_bytes!("../../workloads/data/dev-session.oracleGeneral.zst"),
);

/// The name by which the carried trace is asked for.
pub(crate) const CARRIED_NAME: &str = CARRIED.0;

/// Where a trace comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// The program itself.
    Carried,
    /// A file.
    File(PathBuf),
}

impl Input {
    /// What `text` names: the carried trace, or a file in `folder`. A file of the carried trace's
    /// name is reached as `./NAME`.
    pub(crate) fn new(text: &str, folder: &Path) -> Input {
        if text == CARRIED_NAME {
            Input::Carried
        } else {
            Input::File(folder.join(text))
        }
    }

    /// Whether it can be read as `format`, as far as can be told without reading it.
    ///
    /// # Errors
    /// There is no such file, or its name does not settle the format; in words for people.
    pub(crate) fn check(&self, format: Option<&FormatSpec>) -> Result<(), String> {
        let Input::File(path) = self else {
            return Ok(());
        };
        match fs::metadata(path) {
            Ok(meta) if meta.is_dir() => {
                return Err(format!("{}: is a folder, expected a trace", path.display()));
            }
            Ok(_) => {}
            Err(error) => {
                return Err(format!(
                    "{}: {error}; expected a file, or {CARRIED_NAME}, which the program carries",
                    path.display()
                ));
            }
        }
        if format.is_none() {
            FormatSpec::of_file(path).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// The name of the trace, as rows have it.
    pub(crate) fn name(&self) -> String {
        match self {
            Input::File(path) => trace::name_of(path),
            Input::Carried => CARRIED_NAME.to_owned(),
        }
    }

    /// What tells the content of the file from another: a hash of all of it. Empty where it is no file that can be read
    /// twice, or the carried trace.
    ///
    /// # Errors
    /// It cannot be read.
    pub(crate) fn fingerprint(&self) -> io::Result<String> {
        let Input::File(path) = self else {
            return Ok(String::new());
        };
        if !fs::metadata(path)?.is_file() {
            return Ok(String::new());
        }
        let mut file = BufReader::with_capacity(FINGERPRINT_BYTES, File::open(path)?);
        let mut hash = Xxh3::new();
        loop {
            let part = file.fill_buf()?;
            if part.is_empty() {
                return Ok(format!("{:016x}", hash.digest()));
            }
            hash.update(part);
            let read = part.len();
            file.consume(read);
        }
    }

    /// Reads the trace.
    ///
    /// # Errors
    /// The file is not what the format says.
    pub(crate) fn read(&self, format: Option<&FormatSpec>) -> Outcome<Trace> {
        match self {
            Input::File(path) => Trace::read(path, format, &mut |_| {}).map_err(Failure::usage),
            Input::Carried => carried(|path| Trace::read(path, None, &mut |_| {})),
        }
    }

    /// Opens the trace to be read anew each time, where it is a file.
    ///
    /// # Errors
    /// The file is not what the format says.
    pub(crate) fn stream(&self, format: Option<&FormatSpec>) -> Option<Outcome<Stream>> {
        match self {
            Input::File(path) if fs::metadata(path).is_ok_and(|found| !found.is_file()) => {
                Some(Err(Failure::Usage(format!(
                    "{}: cannot be read more than once, as --stream does; accepted with it: a file",
                    path.display()
                ))))
            }
            Input::File(path) => {
                Some(Stream::open(path, format, &mut |_| {}).map_err(Failure::usage))
            }
            Input::Carried => None,
        }
    }

    /// Opens the trace, to be read a block at a time.
    ///
    /// # Errors
    /// The file cannot be opened as the format.
    pub(crate) fn open(&self, format: Option<&FormatSpec>) -> Outcome<Requests> {
        match self {
            Input::File(path) => Requests::open(path, format).map_err(Failure::usage),
            Input::Carried => carried(|path| Requests::open(path, None)),
        }
    }
}

/// So much of a file is hashed at once.
const FINGERPRINT_BYTES: usize = 1 << 18;

/// Checks that rows tell the traces of a list apart, which they do by name.
///
/// # Errors
/// The place in the list of one whose name an earlier one has, and why that will not do.
pub(crate) fn told_apart(inputs: &[Input]) -> Result<(), (usize, String)> {
    let mut names = HashMap::new();
    for (at, input) in inputs.iter().enumerate() {
        let name = input.name();
        if names.insert(name.clone(), at).is_some() {
            return Err((
                at,
                format!(
                    "an earlier trace is called '{name}' as well, and rows tell traces apart by name; accepted: each once, \
                     in files of different names"
                ),
            ));
        }
    }
    Ok(())
}

/// Opens the carried trace. Readers read files, so it becomes one for a moment.
fn carried<T>(open: impl FnOnce(&Path) -> Result<T, TraceError>) -> Outcome<T> {
    let folder = tempfile::tempdir().map_err(Failure::work)?;
    let path = folder.path().join(CARRIED.1);
    fs::write(&path, CARRIED.2)
        .map_err(|error| Failure::work(format!("{}: {error}", path.display())))?;
    open(&path).map_err(Failure::work)
}
