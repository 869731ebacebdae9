//! The file of a configuration, read when the server starts and written again by `CONFIG REWRITE`: TOML,
//! one parameter a line, or the form of Redis's files (`conf`).
//!
//! In TOML a value is written as a person would: `maxmemory = "100mb"`, `port = 7000`, `appendonly = true` or
//! `"yes"`; `bind` and `save` may be arrays. Comments and the order of lines outlive a rewrite.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::{fs, io};

use toml_edit::{Array, DocumentMut, Value};

use super::{PARAMETERS, SetError, Settings, conf};

/// Why a file cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system does not let it.
    #[error("{}: {source}", file.display())]
    System {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is neither TOML nor of the form of Redis's files.
    #[error("{}:{line}: {why}", file.display())]
    Form {
        /// The file.
        file: PathBuf,
        /// Where, from 1.
        line: usize,
        /// Why.
        why: String,
    },
    /// A parameter or its value is wrong.
    #[error("{}:{line}: {source}", file.display())]
    Set {
        /// The file.
        file: PathBuf,
        /// Where, from 1.
        line: usize,
        /// Why.
        #[source]
        source: SetError,
    },
}

impl Settings {
    /// Changes what the file says; lines for people about what it says in vain.
    ///
    /// # Errors
    /// The file cannot be read, has no known form, or says something that is wrong.
    pub fn read_file(&mut self, file: &Path) -> Result<Vec<String>, FileError> {
        let text = read(file)?;
        if !conf::is_toml(&text) {
            return self.read_conf(file, &text);
        }
        let form = |at: usize, why: String| FileError::Form {
            file: file.to_owned(),
            line: line_of(&text, at),
            why,
        };
        let document = toml_edit::Document::parse(text.as_str()).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            form(at, error.message().to_owned())
        })?;
        for (name, item) in document.iter() {
            let key = document.key(name).and_then(toml_edit::Key::span);
            let at = key.map_or(0, |span| span.start);
            let value = item.as_value().and_then(plain).ok_or_else(|| {
                form(
                    at,
                    format!("'{name}' must be text, a number, true or false"),
                )
            })?;
            self.set_named(name, &value)
                .map_err(|source| FileError::Set {
                    file: file.to_owned(),
                    line: line_of(&text, at),
                    source,
                })?;
        }
        Ok(Vec::new())
    }

    fn read_conf(&mut self, file: &Path, text: &str) -> Result<Vec<String>, FileError> {
        let directives = conf::directives(text).map_err(|line| FileError::Form {
            file: file.to_owned(),
            line,
            why: "a quote that is not closed, or no text".to_owned(),
        })?;
        let mut notices = Vec::new();
        for directive in conf::merged(&directives) {
            let name = &directive.name;
            if conf::is_ignored(name) {
                notices.push(format!(
                    "{}:{}: {name} means nothing to this server",
                    file.display(),
                    directive.line
                ));
                continue;
            }
            self.set_named(name, &directive.value)
                .map_err(|source| FileError::Set {
                    file: file.to_owned(),
                    line: directive.line,
                    source,
                })?;
        }
        Ok(notices)
    }

    /// Writes the values into the file: what it says is brought up to date, what differs from the
    /// defaults and is not there is added. The file is replaced at once or stays as it is.
    ///
    /// # Errors
    /// The file cannot be read or written, or has no known form any more.
    pub fn rewrite_file(&self, file: &Path) -> Result<(), FileError> {
        let text = read(file)?;
        let failed = |source| FileError::System {
            file: file.to_owned(),
            source,
        };
        if !conf::is_toml(&text) {
            return replace(file, self.rewritten_conf(&text).as_bytes()).map_err(failed);
        }
        let mut document: DocumentMut =
            text.parse()
                .map_err(|error: toml_edit::TomlError| FileError::Form {
                    file: file.to_owned(),
                    line: line_of(&text, error.span().map_or(0, |span| span.start)),
                    why: error.message().to_owned(),
                })?;
        for (parameter, value) in self.all() {
            let names = std::iter::once(parameter.name).chain(parameter.older);
            let name = names.into_iter().find(|name| document.contains_key(name));
            match name {
                Some(name) => {
                    let item = &mut document[name];
                    if item.as_value().and_then(plain).as_deref() == Some(value) {
                        continue;
                    }
                    let decor = item.as_value().map(|old| old.decor().clone());
                    let mut new = Value::from(value);
                    if let Some(decor) = decor {
                        *new.decor_mut() = decor;
                    }
                    *item = new.into();
                }
                None if value != parameter.default => {
                    document.insert(parameter.name, Value::from(value).into());
                }
                None => {}
            }
        }
        replace(file, document.to_string().as_bytes()).map_err(failed)
    }

    /// All parameters as a file would say them, with what they mean.
    pub fn commented(&self) -> String {
        use std::fmt::Write;
        let mut text = String::new();
        for (parameter, value) in PARAMETERS.iter().zip(self.all().map(|(_, value)| value)) {
            let value = Value::from(value);
            let _ = writeln!(text, "# {}\n{} = {value}", parameter.about, parameter.name);
        }
        text
    }
}

/// A value as the text of a parameter.
fn plain(value: &Value) -> Option<String> {
    Some(match value {
        Value::String(text) => text.value().clone(),
        Value::Integer(number) => number.value().to_string(),
        Value::Float(number) => number.value().to_string(),
        Value::Boolean(yes) => if *yes.value() { "yes" } else { "no" }.to_owned(),
        Value::Array(items) => words(items)?.join(" "),
        _ => return None,
    })
}

fn words(items: &Array) -> Option<Vec<String>> {
    items.iter().map(plain).collect()
}

fn read(file: &Path) -> Result<String, FileError> {
    fs::read_to_string(file).map_err(|source| FileError::System {
        file: file.to_owned(),
        source,
    })
}

/// Writes beside the file, syncs, and renames: whoever reads sees the old or the new.
fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    // A link stays a link.
    let file = fs::canonicalize(file)?;
    let mut beside = file.clone().into_os_string();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let mut new = fs::File::create(&beside)?;
    new.set_permissions(fs::metadata(&file)?.permissions())?;
    new.write_all(bytes)?;
    new.sync_all()?;
    fs::rename(&beside, &file)?;
    let folder = file.parent().unwrap_or(Path::new("/"));
    fs::File::open(folder)?.sync_all()
}

fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())]
        .split(|&byte| byte == b'\n')
        .count()
}
