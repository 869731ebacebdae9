//! A trace format by name and options, as a user writes it: `csv:object=2:time=1:size=3`.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use seawall_store::spec::{Spec, SpecError};

use super::error::TraceError;
use super::format::{Choice, Format, LIST};
use super::input::uncompressed_name;

/// Columns beyond this are a slip of the finger.
pub(super) const COLUMN_MAX: u32 = 1024;

/// A format of the list with its options.
#[derive(Clone, PartialEq, Eq)]
pub struct FormatSpec {
    format: &'static Format,
    /// Per option of the format: a column, or the index of a choice.
    values: Vec<Option<u32>>,
}

/// The values of a format's options.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    format: &'static Format,
    values: &'a [Option<u32>],
}

impl Options<'_> {
    /// The column given for `name`, from 0.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.value(name).map(|column| column as usize - 1)
    }

    /// The choice made for `name`, or the first of its choices.
    pub fn choice(&self, name: &str) -> &'static str {
        let at = self.position(name);
        match self.format.options[at].choice {
            Choice::Column { .. } => unreachable!("{name} is a column"),
            Choice::OneOf(choices) => choices[self.values[at].unwrap_or(0) as usize],
        }
    }

    fn value(&self, name: &str) -> Option<u32> {
        self.values[self.position(name)]
    }

    fn position(&self, name: &str) -> usize {
        let at = self
            .format
            .options
            .iter()
            .position(|option| option.name == name);
        at.expect("a format asks for options that it describes")
    }
}

impl FormatSpec {
    /// The format.
    pub fn format(&self) -> &'static Format {
        self.format
    }

    pub(super) fn options(&self) -> Options<'_> {
        Options {
            format: self.format,
            values: &self.values,
        }
    }

    /// The format that the file's name settles, by the suffixes of the list.
    ///
    /// # Errors
    /// It settles none, or one that needs options: the error names the candidates.
    pub fn of_file(path: &Path) -> Result<FormatSpec, TraceError> {
        let format = FormatSpec::file_format(path)?;
        let plain = format.name.parse();
        plain.map_err(|_: TraceError| undecided(path, &[format]))
    }

    /// The format that the file's name settles, whatever options it needs.
    ///
    /// # Errors
    /// It settles none: the error names the candidates.
    pub fn file_format(path: &Path) -> Result<&'static Format, TraceError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let stem = uncompressed_name(&name).to_ascii_lowercase();
        let has = |suffix: &str| stem.ends_with(&format!(".{}", suffix.to_ascii_lowercase()));
        let found = LIST
            .iter()
            .find(|format| format.suffixes.iter().any(|suffix| has(suffix)));
        found.copied().ok_or_else(|| undecided(path, LIST))
    }
}

fn undecided(path: &Path, candidates: &[&Format]) -> TraceError {
    let examples: Vec<&str> = candidates.iter().map(|format| format.example).collect();
    TraceError::Undecided {
        file: path.display().to_string(),
        candidates: examples.join(", "),
    }
}

/// What the pair `name=value` sets: which option, and its value.
fn parse_option(
    spec: &Spec<'_>,
    format: &'static Format,
    (name, value): (&str, &str),
) -> Result<(usize, u32), SpecError> {
    let at = format.options.iter().position(|option| option.name == name);
    let at = at
        .ok_or_else(|| spec.unknown_param(name, format.options.iter().map(|option| option.name)))?;
    let choice = format.options[at].choice;
    let parsed = match choice {
        Choice::Column { .. } => value.parse().ok().filter(|n| (1..=COLUMN_MAX).contains(n)),
        Choice::OneOf(choices) => choices
            .iter()
            .zip(0..)
            .find(|(c, _)| **c == value)
            .map(|c| c.1),
    };
    let accepted = || match choice {
        Choice::Column { .. } => format!("a column from 1 to {COLUMN_MAX}"),
        Choice::OneOf(choices) => choices.join(", "),
    };
    let parsed = parsed.ok_or_else(|| spec.bad_value(name, value, accepted()))?;
    Ok((at, parsed))
}

impl FromStr for FormatSpec {
    type Err = TraceError;

    fn from_str(text: &str) -> Result<FormatSpec, TraceError> {
        let spec = Spec::parse(text)?;
        let found = LIST.iter().find(|format| format.name == spec.name());
        let &format =
            found.ok_or_else(|| spec.unknown_name("trace format", LIST.iter().map(|f| f.name)))?;
        let mut values = vec![None; format.options.len()];
        for &pair in spec.pairs() {
            let (at, value) = parse_option(&spec, format, pair)?;
            values[at] = Some(value);
        }
        let missing = format.options.iter().zip(&values).find(|(option, value)| {
            value.is_none() && matches!(option.choice, Choice::Column { required: true })
        });
        if let Some((option, _)) = missing {
            return Err(TraceError::MissingOption {
                format: format.name,
                option: option.name,
                example: format.example,
            });
        }
        Ok(FormatSpec { format, values })
    }
}

impl fmt::Display for FormatSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.format.name)?;
        for (option, value) in self.format.options.iter().zip(&self.values) {
            match (option.choice, value) {
                (_, None) => {}
                (Choice::Column { .. }, Some(column)) => write!(f, ":{}={column}", option.name)?,
                (Choice::OneOf(choices), Some(at)) => {
                    write!(f, ":{}={}", option.name, choices[*at as usize])?;
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for FormatSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FormatSpec({self})")
    }
}
