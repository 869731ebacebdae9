//! `text`: one key a line, whatever stands there. Empty lines are skipped.

use super::{Format, Options};
use crate::trace::builder::Builder;
use crate::trace::error::TraceError;
use crate::trace::input::Input;

/// The format.
pub const FORMAT: Format = Format {
    name: "text",
    about: "one key a line",
    source: "plain text",
    suffixes: &["txt", "keys"],
    options: &[],
    example: "text",
    read,
};

fn read(input: &mut Input, _: Options<'_>, builder: &mut Builder<'_>) -> Result<(), TraceError> {
    let mut line = Vec::new();
    while input.line(&mut line)? {
        let key = line.trim_ascii();
        if !key.is_empty() {
            builder.text(input, key, None, None)?;
        }
    }
    Ok(())
}
