//! A program that can be started: what it is called, and how a configuration is said to it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::PROGRAMS;
use crate::setting::Configuration;
use crate::target::protocol::{self, Protocol};

/// A row of [`PROGRAMS`].
pub(super) struct Program {
    /// The name of its file.
    pub(super) name: &'static str,
    /// Where it is looked for where no path is given.
    pub(super) found: fn(&str) -> Result<PathBuf, String>,
    /// Settings that it has nothing for, at any value.
    pub(super) refuses: &'static [&'static str],
    /// Its arguments.
    ///
    /// # Errors
    /// It has no words for a value; names the setting.
    pub(super) arguments: fn(&Configuration, &Place<'_>) -> Result<Vec<String>, String>,
    /// The protocols that it can be driven by; by the first where none is named.
    pub(super) protocols: &'static [&'static Protocol],
}

/// Where a server is to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// Its port on the loopback interface.
    pub(super) port: u16,
    /// Its folder, empty.
    pub(super) folder: &'a Path,
    /// How many CPUs it is tied to.
    pub(super) cpus: usize,
    /// How many CPUs its driver has.
    pub(super) drivers: usize,
    /// Whether the port is for Memcached's clients.
    pub(super) for_memcached: bool,
}

/// A program as a person asks for it: `redis-server`, `redis-server=/opt/redis/redis-server`,
/// `memcached:wire=classic`.
pub(super) struct Wanted<'a> {
    pub(super) program: &'static Program,
    pub(super) protocol: &'static Protocol,
    path: Option<&'a str>,
}

impl Wanted<'_> {
    /// Reads it.
    ///
    /// # Errors
    /// There is no such program; says which there are.
    pub(super) fn parse(which: &str) -> Result<Wanted<'_>, String> {
        let place = protocol::place(which);
        let (name, path) = match place.split_once('=') {
            Some((name, path)) => (name, Some(path)),
            None => (place, None),
        };
        if path == Some("") {
            return Err("no path follows `=`".to_owned());
        }
        let program = PROGRAMS.iter().find(|program| program.name == name);
        let program = program.ok_or_else(|| {
            let names: Vec<_> = PROGRAMS.iter().map(|program| program.name).collect();
            let names = names.join(", ");
            format!("unknown program `{name}`, expected one of {names}")
        })?;
        let (_, protocol) = Protocol::choose(which, program.protocols)?;
        Ok(Wanted {
            program,
            protocol,
            path,
        })
    }

    /// Where the program is.
    ///
    /// # Errors
    /// It is not there; in words for people.
    pub(super) fn find(&self) -> Result<PathBuf, String> {
        match self.path {
            None => (self.program.found)(self.program.name),
            Some(path) if is_program(Path::new(path)) => Ok(PathBuf::from(path)),
            Some(path) => Err(format!("{path} is no program")),
        }
    }
}

/// The program called `name` in the folders of `PATH`.
pub(super) fn in_path(name: &str) -> Result<PathBuf, String> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders)
        .map(|folder| folder.join(name))
        .find(|path| is_program(path))
        .ok_or_else(|| {
            format!("there is no {name} in PATH; spawn:{name}=/path names another place")
        })
}

fn is_program(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_by_name_or_path() {
        let path = |which: &str| Wanted::parse(which).expect("known").find();
        assert!(path("redis-server=/bin/sh").is_ok());
        let why = path("redis-server=/etc/passwd").expect_err("no program");
        assert!(why.contains("/etc/passwd"), "{why}");
        assert!(in_path("sh").is_ok());
        let why = in_path("no-such-program").expect_err("absent");
        assert!(why.contains("no-such-program in PATH"), "{why}");
        for (which, word) in [
            ("mysqld", "redis-server, "),
            ("memcached=", "no path"),
            ("memcached:wire=resp", "meta, classic"),
            ("redis-server=/bin/sh:wire=meta", "resp"),
            ("", "memcached"),
        ] {
            let why = Wanted::parse(which).err().expect(which);
            assert!(why.contains(word), "{why}");
        }
    }
}
