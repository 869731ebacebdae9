//! A policy by name and parameters, as a user writes it: `clock:bits=2`.
//!
//! Parsed once, at the edge; a [`PolicySpec`] that exists is valid. What is wrong is told with what
//! would have been accepted.

use std::fmt;
use std::str::FromStr;

use super::{Description, Params};
use crate::evict::LIST;
use crate::spec::{Spec, SpecError};

/// A member of some list of descriptions with all its parameters.
#[derive(Clone, PartialEq, Eq)]
pub struct Filled {
    description: &'static Description,
    values: Vec<u64>,
}

impl Filled {
    /// The member of `list` that `text` names.
    ///
    /// # Errors
    /// There is none, or its parameters are not what was written.
    pub fn among(
        list: &[&'static Description],
        family: &'static str,
        text: &str,
    ) -> Result<Filled, SpecError> {
        let spec = Spec::parse(text)?;
        let found = list.iter().find(|member| member.name == spec.name());
        let description = found
            .ok_or_else(|| spec.unknown_name(family, list.iter().map(|member| member.name)))?;
        Ok(Filled {
            description,
            values: spec.numbers(description.params)?,
        })
    }

    /// As it is by default.
    pub fn plain(description: &'static Description) -> Filled {
        let defaults = description.params.iter().map(|param| param.default);
        Filled {
            description,
            values: defaults.collect(),
        }
    }

    /// What the member tells of itself.
    pub fn description(&self) -> &'static Description {
        self.description
    }

    /// Its parameters with their values, in the order in which it describes them.
    pub fn params(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let definitions = self.description.params.iter();
        definitions
            .map(|param| param.name)
            .zip(self.values.iter().copied())
    }

    /// Its parameters, for its construction.
    pub fn values(&self) -> Params<'_> {
        Params {
            definitions: self.description.params,
            values: &self.values,
        }
    }
}

/// The shortest text that parses to the same: parameters at their default are left out.
impl fmt::Display for Filled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.description.name)?;
        for (param, &value) in self.description.params.iter().zip(&self.values) {
            if value != param.default {
                write!(f, ":{}={}", param.name, param.show(value))?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Filled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Filled({self})")
    }
}

/// A policy of the list with all its parameters.
#[derive(Clone, PartialEq, Eq)]
pub struct PolicySpec(Filled);

impl PolicySpec {
    /// What the policy tells of itself.
    pub fn description(&self) -> &'static Description {
        self.0.description()
    }

    /// Its parameters with their values, in the order in which the policy describes them.
    pub fn params(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.0.params()
    }

    /// A comma list: `clock:bits=2,lru`; `all` stands for every policy as it is by default.
    ///
    /// # Errors
    /// One of the members is not a policy.
    pub fn parse_list(text: &str) -> Result<Vec<PolicySpec>, SpecError> {
        let mut specs = Vec::new();
        for member in text.split(',') {
            if member.trim() == "all" {
                let plain = |description: &&'static _| PolicySpec(Filled::plain(description));
                specs.extend(LIST.iter().map(plain));
            } else {
                specs.push(member.parse()?);
            }
        }
        Ok(specs)
    }

    pub(in crate::evict) fn values(&self) -> Params<'_> {
        self.0.values()
    }
}

impl FromStr for PolicySpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<PolicySpec, SpecError> {
        Filled::among(LIST, "policy", text).map(PolicySpec)
    }
}

impl Default for PolicySpec {
    /// `none`: nothing is evicted.
    fn default() -> PolicySpec {
        PolicySpec(Filled::plain(LIST[0]))
    }
}

impl fmt::Display for PolicySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for PolicySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PolicySpec({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        PolicySpec::parse_list(text).expect_err(text).to_string()
    }

    #[test]
    fn what_is_written_is_what_is_shown() {
        for text in [
            "none",
            "clock:bits=2",
            "s3fifo:small=20:ghost=50",
            "allkeys-lru:samples=10",
        ] {
            assert_eq!(text.parse::<PolicySpec>().expect(text).to_string(), text);
        }
        let default = "clock:bits=1".parse::<PolicySpec>().expect("the default");
        assert_eq!(default.to_string(), "clock");
        assert_eq!(default.params().collect::<Vec<_>>(), [("bits", 1)]);
        assert_eq!(PolicySpec::default().to_string(), "none");
    }

    #[test]
    fn lists_are_split_at_commas_and_all_is_all() {
        let specs = PolicySpec::parse_list("clock:bits=2, lru").expect("a list");
        assert_eq!(
            format!("{specs:?}"),
            "[PolicySpec(clock:bits=2), PolicySpec(lru)]"
        );
        assert_eq!(
            PolicySpec::parse_list("all").expect("all").len(),
            LIST.len()
        );
    }

    #[test]
    fn errors_tell_what_is_accepted() {
        let unknown = error("lru,lruu");
        assert!(unknown.starts_with("unknown policy `lruu`; accepted: none, fifo, lru, "));
        assert!(error("").starts_with("unknown policy ``"));
        assert_eq!(
            error("clock:bit=2"),
            "`clock` has no parameter `bit`; accepted: bits"
        );
    }
}
