//! Writes `csv`: dense ids, and what else the trace tells, after a line that names the columns.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use super::Writer;
use crate::trace::columns::Columns;

pub(in crate::trace) struct CsvWriter {
    out: BufWriter<File>,
    begun: bool,
}

impl CsvWriter {
    pub(in crate::trace) fn new(file: File) -> CsvWriter {
        CsvWriter {
            out: BufWriter::new(file),
            begun: false,
        }
    }

    /// The first line, which readers skip: the format that reads the file.
    fn begin(&mut self, block: &Columns) -> io::Result<()> {
        let told = [
            ("time", block.times_s().is_empty()),
            ("size", block.sizes().is_empty()),
            ("op", block.ops().is_empty()),
            ("ttl", block.ttls_s().is_empty()),
        ];
        write!(self.out, "# csv:object=1")?;
        let told = told.iter().filter(|(_, empty)| !empty);
        for ((name, _), column) in told.zip(2..) {
            write!(self.out, ":{name}={column}")?;
        }
        writeln!(self.out)
    }
}

impl Writer for CsvWriter {
    fn write(&mut self, block: &Columns) -> io::Result<()> {
        if !std::mem::replace(&mut self.begun, true) {
            self.begin(block)?;
        }
        for (request, object) in block.objects().iter().enumerate() {
            write!(self.out, "{object}")?;
            if let Some(time) = block.times_s().get(request) {
                write!(self.out, ",{time}")?;
            }
            if let Some(size) = block.sizes().get(request) {
                write!(self.out, ",{size}")?;
            }
            if let Some(op) = block.ops().get(request) {
                write!(self.out, ",{}", op.name())?;
            }
            if let Some(ttl) = block.ttls_s().get(request) {
                write!(self.out, ",{ttl}")?;
            }
            writeln!(self.out)?;
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
