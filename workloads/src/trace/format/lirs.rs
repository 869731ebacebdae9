//! `lirs`: one block number a line; `*` marks a breakpoint, which is no request.

use super::{Format, Options, number};
use crate::trace::builder::Builder;
use crate::trace::error::TraceError;
use crate::trace::input::Input;

/// The format.
pub const FORMAT: Format = Format {
    name: "lirs",
    about: "one block number a line, '*' lines are breakpoints",
    source: "Jiang and Zhang, SIGMETRICS 2002, LIRS: the authors' traces",
    suffixes: &["lirs", "trc"],
    options: &[],
    example: "lirs",
    read,
};

fn read(input: &mut Input, _: Options<'_>, builder: &mut Builder<'_>) -> Result<(), TraceError> {
    let mut line = Vec::new();
    while input.line(&mut line)? {
        let block = line.trim_ascii();
        if !block.is_empty() && block != b"*" {
            let block: u64 = number(input, block, "the block", "a whole number, or '*'")?;
            builder.number(input, block, None, None)?;
        }
    }
    Ok(())
}
