//! `text`: one key a line, whatever stands there. Empty lines are skipped.

use std::io::BufWriter;

use super::{Format, lines};
use crate::trace::columns::Request;
use crate::trace::write::text::TextWriter;

/// The format.
pub const FORMAT: Format = Format {
    name: "text",
    about: "one key a line",
    source: "plain text",
    suffixes: &["txt", "keys"],
    options: &[],
    example: "text",
    create: Some(|file, _| Ok(Box::new(TextWriter(BufWriter::new(file))))),
    open: |_| {
        lines(|builder, _, line| {
            let key = line.trim_ascii();
            if !key.is_empty() {
                builder.push(Request {
                    key: builder.text_key(key),
                    ..Request::default()
                });
            }
            Ok(())
        })
    },
};
