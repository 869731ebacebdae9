//! A policy by name and parameters, as a user writes it: `clock:bits=2`.
//!
//! Parsed once, at the edge; a [`PolicySpec`] that exists is valid. What is wrong is told with what
//! would have been accepted.

use std::fmt;
use std::str::FromStr;

use super::{Description, Param, Params};
use crate::evict::LIST;

/// A policy of the list with all its parameters.
#[derive(Clone, PartialEq, Eq)]
pub struct PolicySpec {
    description: &'static Description,
    values: Vec<u64>,
}

/// Why a text is not a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// No policy has this name.
    #[error("unknown policy '{name}'; accepted: {accepted}")]
    UnknownPolicy {
        /// What was written.
        name: String,
        /// The names of the list.
        accepted: String,
    },
    /// The policy has no such parameter.
    #[error("policy '{policy}' has no parameter '{name}'; accepted: {accepted}")]
    UnknownParam {
        /// The policy.
        policy: &'static str,
        /// What was written.
        name: String,
        /// The policy's parameters with their bounds.
        accepted: String,
    },
    /// The parameter's value is no number, or out of bounds.
    #[error("policy '{policy}': '{name}' cannot be '{value}'; accepted: {accepted}")]
    BadValue {
        /// The policy.
        policy: &'static str,
        /// The parameter.
        name: &'static str,
        /// What was written.
        value: String,
        /// The bounds.
        accepted: String,
    },
    /// The parameter stands twice.
    #[error("policy '{policy}': '{name}' is given twice")]
    Repeated {
        /// The policy.
        policy: &'static str,
        /// The parameter.
        name: &'static str,
    },
}

impl PolicySpec {
    /// What the policy tells of itself.
    pub fn description(&self) -> &'static Description {
        self.description
    }

    /// Its parameters with their values, in the order in which the policy describes them.
    pub fn params(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let definitions = self.description.params.iter();
        definitions
            .map(|param| param.name)
            .zip(self.values.iter().copied())
    }

    /// A comma list: `clock:bits=2,lru`; `all` stands for every policy as it is by default.
    ///
    /// # Errors
    /// One of the members is not a policy.
    pub fn parse_list(text: &str) -> Result<Vec<PolicySpec>, SpecError> {
        let mut specs = Vec::new();
        for member in text.split(',') {
            if member.trim() == "all" {
                specs.extend(
                    LIST.iter()
                        .map(|description| PolicySpec::plain(description)),
                );
            } else {
                specs.push(member.parse()?);
            }
        }
        Ok(specs)
    }

    pub(in crate::evict) fn values(&self) -> Params<'_> {
        Params {
            definitions: self.description.params,
            values: &self.values,
        }
    }

    fn plain(description: &'static Description) -> PolicySpec {
        PolicySpec {
            description,
            values: description
                .params
                .iter()
                .map(|param| param.default)
                .collect(),
        }
    }

    fn set(&mut self, assignment: &str, given: &mut [bool]) -> Result<(), SpecError> {
        let policy = self.description.name;
        let definitions = self.description.params;
        let (name, value) = assignment.split_once('=').unwrap_or((assignment, ""));
        let Some(at) = definitions.iter().position(|param| param.name == name) else {
            return Err(SpecError::UnknownParam {
                policy,
                name: name.to_owned(),
                accepted: accepted_params(definitions),
            });
        };
        let param = &definitions[at];
        if std::mem::replace(&mut given[at], true) {
            return Err(SpecError::Repeated {
                policy,
                name: param.name,
            });
        }
        let number = value.parse().ok();
        let within = number.filter(|number| (param.min..=param.max).contains(number));
        self.values[at] = within.ok_or_else(|| SpecError::BadValue {
            policy,
            name: param.name,
            value: value.to_owned(),
            accepted: format!("a whole number from {} to {}", param.min, param.max),
        })?;
        Ok(())
    }
}

fn accepted_params(params: &[Param]) -> String {
    if params.is_empty() {
        return "none".to_owned();
    }
    let each = params
        .iter()
        .map(|param| format!("{}={}..{}", param.name, param.min, param.max));
    each.collect::<Vec<_>>().join(", ")
}

impl FromStr for PolicySpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<PolicySpec, SpecError> {
        let mut parts = text.trim().split(':');
        let name = parts.next().unwrap_or_default();
        let Some(description) = LIST.iter().find(|description| description.name == name) else {
            let names: Vec<&str> = LIST.iter().map(|description| description.name).collect();
            return Err(SpecError::UnknownPolicy {
                name: name.to_owned(),
                accepted: names.join(", "),
            });
        };
        let mut spec = PolicySpec::plain(description);
        let mut given = vec![false; description.params.len()];
        for assignment in parts {
            spec.set(assignment, &mut given)?;
        }
        Ok(spec)
    }
}

impl Default for PolicySpec {
    /// `none`: nothing is evicted.
    fn default() -> PolicySpec {
        PolicySpec::plain(LIST[0])
    }
}

/// The shortest text that parses to the same: parameters at their default are left out.
impl fmt::Display for PolicySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.description.name)?;
        for (param, &value) in self.description.params.iter().zip(&self.values) {
            if value != param.default {
                write!(f, ":{}={value}", param.name)?;
            }
        }
        Ok(())
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
        assert!(unknown.starts_with("unknown policy 'lruu'; accepted: none, fifo, lru, "));
        assert!(error("").starts_with("unknown policy ''"));
        assert_eq!(
            error("clock:bit=2"),
            "policy 'clock' has no parameter 'bit'; accepted: bits=1..8"
        );
        assert_eq!(
            error("lru:bits=2"),
            "policy 'lru' has no parameter 'bits'; accepted: none"
        );
        for value in ["", "0", "9", "-1", "two", "99999999999999999999"] {
            assert_eq!(
                error(&format!("clock:bits={value}")),
                format!(
                    "policy 'clock': 'bits' cannot be '{value}'; accepted: a whole number from 1 to 8"
                )
            );
        }
        assert_eq!(
            error("clock:bits=2:bits=2"),
            "policy 'clock': 'bits' is given twice"
        );
    }
}
