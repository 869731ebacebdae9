//! The keys of a recording, in a file beside it: a line each, in the order of the objects' ids.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use tempfile::NamedTempFile;

use crate::status::{Failure, Outcome};

/// What can be guessed hides nothing.
const SECRET_BYTES_MIN: usize = 16;
const SECRET_BYTES_MAX: usize = 4096;

/// Where keys go.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// Write the keys, too, into this file: a line each, in the order of the objects' ids
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// Instead of the keys their HMAC-SHA256 under the secret in this file: the same key has the same line in every
    /// recording, and without the secret nobody can try which key it is
    #[arg(long, value_name = "FILE", requires = "keys")]
    secret_file: Option<PathBuf>,
}

impl Asked {
    /// Whether keys are written.
    pub(super) fn is_some(&self) -> bool {
        self.keys.is_some()
    }

    /// How, for what tells how the trace was made.
    pub(super) fn told(&self) -> &'static str {
        match (&self.keys, &self.secret_file) {
            (None, _) => "none",
            (Some(_), None) => "plain",
            (Some(_), Some(_)) => "HMAC-SHA256",
        }
    }

    /// Begins the file.
    ///
    /// # Errors
    /// The secret is none, or there can be no such file.
    pub(super) fn create(&self) -> Outcome<Option<Keys>> {
        let secret = self.secret_file.as_deref().map(secret).transpose()?;
        self.keys
            .as_deref()
            .map(|path| Keys::create(path, secret))
            .transpose()
    }
}

fn secret(path: &Path) -> Outcome<Hmac<Sha256>> {
    let bad = |why: String| Failure::Usage(format!("--secret-file {}: {why}", path.display()));
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| {
            file.take(SECRET_BYTES_MAX as u64 + 1)
                .read_to_end(&mut bytes)
        })
        .map_err(|error| bad(error.to_string()))?;
    let secret = bytes.trim_ascii();
    if bytes.len() > SECRET_BYTES_MAX || secret.len() < SECRET_BYTES_MIN {
        return Err(bad(format!(
            "is no secret; accepted: {SECRET_BYTES_MIN} to {SECRET_BYTES_MAX} bytes, as of `openssl rand -hex 32`"
        )));
    }
    Hmac::new_from_slice(secret).map_err(|error| bad(error.to_string()))
}

/// A file of keys that is being written. Who is not told of the keys cannot read it.
pub(super) struct Keys {
    path: PathBuf,
    file: BufWriter<NamedTempFile>,
    secret: Option<Hmac<Sha256>>,
}

impl Keys {
    fn create(path: &Path, secret: Option<Hmac<Sha256>>) -> Outcome<Keys> {
        let bad = |why: &dyn ToString| {
            Failure::Usage(format!("--keys {}: {}", path.display(), why.to_string()))
        };
        // A rename would put a file in the place of a device or a folder.
        if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
            return Err(bad(&"is there and no file"));
        }
        let file = NamedTempFile::new_in(folder_of(path)).map_err(|error| bad(&error))?;
        Ok(Keys {
            path: path.to_owned(),
            file: BufWriter::new(file),
            secret,
        })
    }

    /// Appends keys, in which what is no plain character is escaped.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn add(&mut self, keys: &[Vec<u8>]) -> Outcome {
        for key in keys {
            let line = match &self.secret {
                None => key.escape_ascii().to_string(),
                Some(secret) => hex(&secret.clone().chain_update(key).finalize().into_bytes()),
            };
            writeln!(self.file, "{line}").map_err(|error| self.failed(&error))?;
        }
        Ok(())
    }

    /// The file is whole: it is made durable and gets its name.
    ///
    /// # Errors
    /// The file cannot be written, synced or renamed.
    pub(super) fn finish(mut self) -> Outcome {
        let path = self.path.clone();
        let failed = |error: &io::Error| Failure::Work(format!("{}: {error}", path.display()));
        self.file.flush().map_err(|error| failed(&error))?;
        let file = self
            .file
            .into_inner()
            .map_err(|error| failed(error.error()))?;
        file.as_file().sync_all().map_err(|error| failed(&error))?;
        file.persist(&path).map_err(|error| failed(&error.error))?;
        let folder = File::open(folder_of(&path)).and_then(|folder| folder.sync_all());
        folder.map_err(|error| failed(&error))
    }

    fn failed(&self, error: &io::Error) -> Failure {
        Failure::Work(format!("{}: {error}", self.path.display()))
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(secret: Option<Hmac<Sha256>>) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keys");
        let mut keys = Keys::create(&path, secret).expect("a file");
        let what_is_hashed = b"what do ya want for nothing?".to_vec();
        keys.add(&[what_is_hashed, b"a\nb".to_vec()])
            .expect("it is written");
        keys.finish().expect("it is whole");
        std::fs::read_to_string(path).expect("it is there")
    }

    #[test]
    fn keys_are_lines() {
        assert_eq!(lines(None), "what do ya want for nothing?\na\\nb\n");
    }

    /// RFC 4231, test case 2.
    #[test]
    fn hashed_keys_are_those_of_the_standard() {
        let secret = Hmac::new_from_slice(b"Jefe").expect("a secret");
        let lines = lines(Some(secret));
        let first = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(lines.lines().next(), Some(first));
        assert_eq!(lines.lines().count(), 2);
    }
}
