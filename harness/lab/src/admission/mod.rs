//! Admission: who may come in at all, whatever policy says who goes.
//!
//! An admission hears every request and is asked at each miss, before the policy is. What it refuses is not inserted, and
//! evicts nobody. It combines with every policy of the store; those of the lab alone and the bounds keep residents
//! themselves and take all. One file a member; adding one is a file and a line in the list.

mod always;
mod bloom;
mod probabilistic;
mod size;
mod tinylfu;

use std::fmt;

use seawall_store::evict::{Description, Filled, Params, Setup};
use seawall_store::spec::SpecError;

pub use always::Always;
pub(crate) use always::AsStore;

/// Every admission, in the order in which lists show them.
pub const LIST: &[&Member] = &[
    &always::MEMBER,
    &bloom::MEMBER,
    &size::MEMBER,
    &tinylfu::MEMBER,
    &probabilistic::MEMBER,
];

/// Who may come in.
pub trait Admission {
    /// `object` is asked for, whether it is resident or not.
    fn hear(&mut self, _object: u32) {}

    /// Whether `object`, which is not resident and was heard of, may come in with `size`.
    fn admits(&mut self, object: u32, size: u64) -> bool;

    /// Whether the policy may refuse a newcomer, too, and let residents go though there is room. A store cannot, once
    /// it has acknowledged a write.
    fn heeds_policy(&self) -> bool {
        true
    }
}

impl Admission for Box<dyn Admission> {
    fn hear(&mut self, object: u32) {
        self.as_mut().hear(object);
    }

    fn admits(&mut self, object: u32, size: u64) -> bool {
        self.as_mut().admits(object, size)
    }

    fn heeds_policy(&self) -> bool {
        self.as_ref().heeds_policy()
    }
}

/// An admission of the list.
pub struct Member {
    /// What it tells of itself.
    pub description: Description,
    make: fn(Params<'_>, Setup<'_>) -> Box<dyn Admission>,
}

/// An admission with all its parameters.
#[derive(Clone)]
pub struct AdmissionSpec {
    member: &'static Member,
    filled: Filled,
}

impl AdmissionSpec {
    /// A comma list: `bloom,always`.
    ///
    /// # Errors
    /// One of them is no admission.
    pub fn parse_list(text: &str) -> Result<Vec<AdmissionSpec>, SpecError> {
        text.split(',').map(AdmissionSpec::parse).collect()
    }

    fn parse(text: &str) -> Result<AdmissionSpec, SpecError> {
        let descriptions: Vec<&'static Description> =
            LIST.iter().map(|member| &member.description).collect();
        let filled = Filled::among(&descriptions, "admission", text)?;
        let name = filled.description().name;
        let member = LIST.iter().find(|member| member.description.name == name);
        Ok(AdmissionSpec {
            member: member.expect("what was found is in the list"),
            filled,
        })
    }

    /// Whether it admits all.
    pub fn is_always(&self) -> bool {
        self.member.description.name == always::MEMBER.description.name
    }

    /// A new one.
    pub fn build(&self, setup: Setup<'_>) -> Box<dyn Admission> {
        (self.member.make)(self.filled.values(), setup)
    }
}

impl fmt::Display for AdmissionSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.filled.fmt(f)
    }
}

impl fmt::Debug for AdmissionSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AdmissionSpec({self})")
    }
}

/// Spreads an object's id over all bits, another way for each `salt`.
fn hash(object: u32, salt: u64) -> u64 {
    let mut bits = (u64::from(object) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt;
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::LIST;

    /// A file that nobody listed would be an admission that nobody can choose.
    #[test]
    fn every_file_is_in_the_list() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/admission");
        let names = std::fs::read_dir(folder).expect("the sources are there");
        let mut files: Vec<String> = names
            .map(|file| file.expect("readable").file_name().into_string())
            .map(|name| name.expect("UTF-8").trim_end_matches(".rs").to_owned())
            .filter(|name| name != "mod")
            .collect();
        let mut listed: Vec<&str> = LIST.iter().map(|member| member.description.name).collect();
        files.sort();
        listed.sort_unstable();
        assert_eq!(files, listed);
    }
}
