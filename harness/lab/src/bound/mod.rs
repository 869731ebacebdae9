//! Bounds: what stands in every plot because no policy passes it that keeps what it missed.

pub mod belady;
pub mod belady_size;
pub mod unbounded;

use seawall_workloads::trace::Trace;

use crate::counts::{Counts, Parts};
use crate::size::Unit;

/// Every bound, in the order in which lists and plots show them.
pub const LIST: &[&Bound] = &[&belady::BOUND, &belady_size::BOUND, &unbounded::BOUND];

/// A bound.
pub struct Bound {
    /// Its name.
    pub name: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    /// The paper that it comes from.
    pub source: &'static str,
    /// Counts the misses of each part in a cache of the size given, with the seed of its randomness, where it has any.
    pub replay: fn(&Trace, &Parts, u64, Unit, u64) -> Vec<Counts>,
}

impl std::fmt::Debug for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bound({})", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::LIST;

    /// A file that nobody listed would be a bound that no plot shows.
    #[test]
    fn every_file_is_in_the_list() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bound");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .expect("the sources are there")
            .map(|file| {
                file.expect("readable")
                    .file_name()
                    .into_string()
                    .expect("UTF-8")
            })
            .filter_map(|name| Some(name.strip_suffix(".rs")?.replace('_', "-")))
            .filter(|name| name != "mod")
            .collect();
        let mut listed: Vec<&str> = LIST.iter().map(|bound| bound.name).collect();
        files.sort();
        listed.sort_unstable();
        assert_eq!(
            files, listed,
            "files of bound/ on the left, its list on the right"
        );
    }
}
