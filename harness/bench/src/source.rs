//! A file that a person wrote, and errors that point into it.
//!
//! Everything that is wrong with a suite is told in one line that begins with the file's name and
//! the line's number, and ends with what would have been accepted.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;

use serde::de::DeserializeOwned;

/// The longest file that is read as a suite or scenario: far above any that a person writes.
pub const SOURCE_BYTES_MAX: u64 = 1 << 20;

/// A file's name and text.
#[derive(Clone, Debug)]
pub struct Source {
    name: String,
    text: String,
}

/// What is wrong with a file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceError {
    /// The file, as it was named.
    pub file: String,
    /// The line, from 1; absent where the whole file is meant.
    pub line: Option<usize>,
    /// What is wrong and what is accepted.
    pub message: String,
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

impl std::error::Error for SourceError {}

impl Source {
    /// A text that has a name.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Source {
        Source {
            name: name.into(),
            text: text.into(),
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, is longer than [`SOURCE_BYTES_MAX`], or is not UTF-8.
    pub fn read(path: &Path) -> Result<Source, SourceError> {
        let source = Source::new(path.display().to_string(), "");
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(SOURCE_BYTES_MAX + 1).read_to_end(&mut bytes))
            .map_err(|error| source.error(None, error.to_string()))?;
        if bytes.len() as u64 > SOURCE_BYTES_MAX {
            return Err(source.error(
                None,
                format!("is longer than {SOURCE_BYTES_MAX} bytes, so it is no suite or scenario"),
            ));
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Source { text, ..source }),
            Err(error) => {
                let good = error.utf8_error().valid_up_to();
                let line = line_of(&error.as_bytes()[..good]);
                Err(source.error(Some(line), "is not text in UTF-8".to_owned()))
            }
        }
    }

    /// The file's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file's text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Reads the text as TOML into a strict type.
    ///
    /// # Errors
    /// It is not TOML, or does not have the type's form.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, SourceError> {
        toml::from_str(&self.text).map_err(|error| {
            let line = error.span().map(|span| self.line(&span));
            self.error(line, error.message().replace('\n', ", "))
        })
    }

    /// An error at a place in the text.
    pub fn at(&self, span: &Range<usize>, message: impl Into<String>) -> SourceError {
        self.error(Some(self.line(span)), message.into())
    }

    fn line(&self, span: &Range<usize>) -> usize {
        line_of(&self.text.as_bytes()[..span.start.min(self.text.len())])
    }

    fn error(&self, line: Option<usize>, message: String) -> SourceError {
        SourceError {
            file: self.name.clone(),
            line,
            message,
        }
    }
}

fn line_of(before: &[u8]) -> usize {
    before.split(|&byte| byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the errors of reading it matter")]
    struct Strict {
        number: u32,
    }

    #[test]
    fn an_error_names_file_line_and_what_is_accepted() {
        let source = Source::new("a.toml", "number = 1\n\nnumbre = 2\n");
        let error = source.parse::<Strict>().expect_err("a key is unknown");
        let text = error.to_string();
        assert!(text.starts_with("a.toml:3: "), "{text}");
        assert!(
            text.contains("numbre") && text.contains("expected `number`"),
            "{text}"
        );
    }

    #[test]
    fn text_that_is_not_toml_is_an_error_with_a_line() {
        let source = Source::new("a.toml", "number = 1\nnumber 2\n");
        let text = source.parse::<Strict>().expect_err("no TOML").to_string();
        assert!(text.starts_with("a.toml:2: "), "{text}");
    }

    #[test]
    fn bytes_that_are_not_text_are_an_error_with_a_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("binary.toml");
        std::fs::write(&path, b"number = 1\n\xff\xfe").expect("a file");
        let error = Source::read(&path).expect_err("not text");
        assert_eq!(error.line, Some(2));
    }
}
