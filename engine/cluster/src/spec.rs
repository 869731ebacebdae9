//! A member of a family as a user writes it: `name:key=value:key=value`.
//!
//! Text in, checked words out. The member itself says which keys it knows and what they may hold.

use std::fmt;

/// A name and its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    text: String,
    name_bytes: usize,
    params: Vec<(String, u64)>,
}

/// Why a specification was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// No member has this name.
    #[error("unknown {family} \"{name}\"; accepted: {accepted}")]
    UnknownName {
        /// What the name was to be.
        family: &'static str,
        /// The name.
        name: String,
        /// The names that exist.
        accepted: String,
    },
    /// The member has no such parameter.
    #[error("\"{name}\" has no parameter \"{key}\"; accepted: {accepted}")]
    UnknownParam {
        /// The member.
        name: String,
        /// The parameter.
        key: String,
        /// The parameters that it has.
        accepted: String,
    },
    /// A parameter that is not `key=number`.
    #[error("\"{part}\" in \"{text}\" is not key=number")]
    Malformed {
        /// The part at fault.
        part: String,
        /// The whole specification.
        text: String,
    },
    /// A parameter that is given twice.
    #[error("\"{key}\" stands twice in \"{text}\"; once is accepted")]
    Repeated {
        /// The parameter.
        key: String,
        /// The whole specification.
        text: String,
    },
    /// A number outside its range.
    #[error("{key}={value} in \"{name}\": accepted are {min} to {max}")]
    OutOfRange {
        /// The member.
        name: String,
        /// The parameter.
        key: &'static str,
        /// What was given.
        value: u64,
        /// The least.
        min: u64,
        /// The most.
        max: u64,
    },
}

/// A parameter that a member knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param {
    /// Its name, with its unit.
    pub key: &'static str,
    /// What holds where it is not given.
    pub default: u64,
    /// The least that is accepted.
    pub min: u64,
    /// The most that is accepted.
    pub max: u64,
    /// What it means and where the default comes from.
    pub about: &'static str,
}

impl Spec {
    /// Reads `name:key=number:…`.
    ///
    /// # Errors
    /// A part that is not `key=number`, or a key that is given twice.
    pub fn parse(text: &str) -> Result<Spec, SpecError> {
        let text = text.trim();
        let mut parts = text.split(':');
        let name_bytes = parts.next().unwrap_or_default().len();
        let params = parts
            .map(|part| {
                part.split_once('=')
                    .and_then(|(key, value)| Some((key.to_owned(), value.parse().ok()?)))
                    .ok_or_else(|| SpecError::Malformed {
                        part: part.to_owned(),
                        text: text.to_owned(),
                    })
            })
            .collect::<Result<Vec<(String, u64)>, _>>()?;
        let repeated =
            (1..params.len()).find(|&i| params[..i].iter().any(|(key, _)| *key == params[i].0));
        if let Some(i) = repeated {
            return Err(SpecError::Repeated {
                key: params[i].0.clone(),
                text: text.to_owned(),
            });
        }
        Ok(Spec {
            text: text.to_owned(),
            name_bytes,
            params,
        })
    }

    /// The member's name.
    pub fn name(&self) -> &str {
        &self.text[..self.name_bytes]
    }

    /// Checks that every parameter is known and in range, and gives the values in the order of `known`.
    ///
    /// # Errors
    /// An unknown parameter, or a number out of range.
    pub fn values(&self, known: &'static [Param]) -> Result<Vec<u64>, SpecError> {
        for (key, _) in &self.params {
            if !known.iter().any(|param| param.key == key) {
                let accepted: Vec<_> = known.iter().map(|param| param.key).collect();
                return Err(SpecError::UnknownParam {
                    name: self.name().to_owned(),
                    key: key.clone(),
                    accepted: if accepted.is_empty() {
                        "none".to_owned()
                    } else {
                        accepted.join(", ")
                    },
                });
            }
        }
        known
            .iter()
            .map(|param| {
                let given = self.params.iter().find(|(key, _)| key == param.key);
                let value = given.map_or(param.default, |&(_, value)| value);
                if (param.min..=param.max).contains(&value) {
                    Ok(value)
                } else {
                    Err(SpecError::OutOfRange {
                        name: self.name().to_owned(),
                        key: param.key,
                        value,
                        min: param.min,
                        max: param.max,
                    })
                }
            })
            .collect()
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[Param] = &[Param {
        key: "points",
        default: 160,
        min: 1,
        max: 1000,
        about: "",
    }];

    #[test]
    fn reads_and_checks() {
        let values = |text: &str| Spec::parse(text).and_then(|spec| spec.values(KNOWN));
        assert_eq!(values("ring"), Ok(vec![160]));
        assert_eq!(values("ring:points=7"), Ok(vec![7]));
        assert!(matches!(
            values("ring:points=x"),
            Err(SpecError::Malformed { .. })
        ));
        assert!(matches!(
            values("ring:points=0"),
            Err(SpecError::OutOfRange { .. })
        ));
        assert!(matches!(
            values("ring:knots=1"),
            Err(SpecError::UnknownParam { .. })
        ));
        assert!(matches!(
            values("ring:points"),
            Err(SpecError::Malformed { .. })
        ));
        assert_eq!(values(" ring:points=7 "), Ok(vec![7]));
        assert!(matches!(
            values("ring:points=7:points=8"),
            Err(SpecError::Repeated { .. })
        ));
    }
}
