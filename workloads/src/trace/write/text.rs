//! Writes `text`: the dense id of an object a line.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use super::{LeftOut, Writer};
use crate::trace::columns::Columns;

pub(in crate::trace) struct TextWriter(pub(in crate::trace) BufWriter<File>);

impl Writer for TextWriter {
    fn write(&mut self, block: &Columns) -> io::Result<()> {
        for object in block.objects() {
            writeln!(self.0, "{object}")?;
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.0.flush()
    }

    fn leaves_out(&self) -> &'static [LeftOut] {
        &[LeftOut::Sizes, LeftOut::Times, LeftOut::Ops, LeftOut::Ttls]
    }
}
