//! `tsv`: as `csv`, but with tabs between fields, which know no quotes.

use super::Format;
use super::csv::{HEADER, OBJECT, OP, SIZE, TIME, TTL, Table, UNIT};

/// The format.
pub const FORMAT: Format = Format {
    name: "tsv",
    about: "lines of fields between tabs; columns as csv names them",
    source: "IANA, text/tab-separated-values",
    suffixes: &["tsv"],
    options: &[OBJECT, TIME, SIZE, OP, TTL, HEADER, UNIT],
    example: "tsv:object=2:time=1:size=3",
    create: None,
    open: |options| Table::open(options, b'\t', false),
};
