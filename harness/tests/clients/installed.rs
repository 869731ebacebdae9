//! What is installed on this machine: programs on the path, and what `.ci/install clients` put into
//! the target folder.

use std::io::Write;
use std::path::{Path, PathBuf};

/// What a client needs and this machine has not.
#[derive(Debug)]
pub struct Missing(pub String);

impl Missing {
    /// Says that `what` is skipped; a failure where everything must be here.
    pub fn skip(&self, what: &str) {
        let missing = &self.0;
        assert!(
            std::env::var_os("SEAWALL_CLIENTS").is_none_or(|wanted| wanted != "required"),
            "{what} cannot run: no {missing}; `.ci/install clients` installs it"
        );
        // Past the test harness, which keeps to itself what a test prints that passes.
        let _ = writeln!(
            std::io::stderr(),
            "skipped: {what}: no {missing} on this machine"
        );
    }
}

/// A program on the path.
pub fn program(name: &str) -> Result<PathBuf, Missing> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .ok_or_else(|| Missing(name.to_owned()))
}

/// A file or folder that was installed for these tests alone.
pub fn file(name: &str) -> Result<PathBuf, Missing> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    let file = target.expect("a target folder").join("clients").join(name);
    if file.exists() {
        Ok(file)
    } else {
        Err(Missing(name.to_owned()))
    }
}

/// A file of these tests.
pub fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/clients")
        .join(name)
}
