//! `lirs`: one block number a line; `*` marks a breakpoint, which is no request.

use super::{Format, lines, number};
use crate::trace::builder::Builder;
use crate::trace::columns::Request;
use crate::trace::error::TraceError;
use crate::trace::input::Position;

/// The format.
pub const FORMAT: Format = Format {
    name: "lirs",
    about: "one block number a line, '*' lines are breakpoints",
    source: "Jiang and Zhang, SIGMETRICS 2002, LIRS: the authors' traces",
    suffixes: &["lirs", "trc"],
    options: &[],
    example: "lirs",
    create: None,
    open: |_| lines(read),
};

fn read(builder: &mut Builder, at: &Position, line: &[u8]) -> Result<(), TraceError> {
    let block = line.trim_ascii();
    if !block.is_empty() && block != b"*" {
        builder.push(Request {
            key: number(at, block, "the block", "a whole number, or '*'")?,
            ..Request::default()
        });
    }
    Ok(())
}
