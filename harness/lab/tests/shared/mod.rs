//! The folder of traces and references, which is not a part of the project.

use std::io::Write;
use std::path::{Path, PathBuf};

/// Where it is: beside the checkout, or where `SEAWALL_SHARED` says. Where it is absent the reason is printed.
pub fn folder() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let folder = std::env::var_os("SEAWALL_SHARED").map_or(beside, PathBuf::from);
    let there = folder.join("anchors/evict_reference_dev.csv").is_file();
    if !there {
        // The test harness keeps what a passing test prints by macro; this is to be read.
        let reason = format!("skipped: no reference in {}", folder.display());
        writeln!(std::io::stderr(), "{reason}").expect("standard error is open");
    }
    there.then_some(folder)
}
