//! A member of a family as a user writes it: `name:key=value:key=value`.
//!
//! One grammar for policies, replications, shardings, workloads and trace formats: text in, a name and
//! pairs of words out. Which names there are, which parameters a member knows and what those may hold is
//! the family's to say; a refusal is told in one form, with what would have been accepted.

/// A name and its parameters, as they were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec<'a> {
    text: &'a str,
    name: &'a str,
    pairs: Vec<(&'a str, &'a str)>,
}

/// Why a text is no member of a family.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// The family has no such member.
    #[error("unknown {family} `{name}`; accepted: {accepted}")]
    UnknownName {
        /// What the name was to be.
        family: &'static str,
        /// What was written.
        name: String,
        /// The names that there are.
        accepted: String,
    },
    /// A part that is no `name=value`.
    #[error("`{part}` in `{text}` is not name=value")]
    Malformed {
        /// The part at fault.
        part: String,
        /// The whole text.
        text: String,
    },
    /// A parameter that stands twice.
    #[error("`{name}` is given twice in `{text}`; accepted: once")]
    Repeated {
        /// The parameter.
        name: String,
        /// The whole text.
        text: String,
    },
    /// The member has no such parameter.
    #[error("`{member}` has no parameter `{name}`; accepted: {accepted}")]
    UnknownParam {
        /// The member.
        member: String,
        /// What was written.
        name: String,
        /// The parameters that it has.
        accepted: String,
    },
    /// The parameter does not take such a value.
    #[error("`{name}` of `{member}` cannot be `{value}`; accepted: {accepted}")]
    BadValue {
        /// The member.
        member: String,
        /// The parameter.
        name: String,
        /// What was written.
        value: String,
        /// What it takes.
        accepted: String,
    },
}

/// A parameter that takes a whole number, or one of a few words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param {
    /// Its name, with its unit.
    pub name: &'static str,
    /// What it means, in one line, and where its default comes from.
    pub about: &'static str,
    /// The value where none is given.
    pub default: u64,
    /// The least value accepted.
    pub min: u64,
    /// The greatest value accepted.
    pub max: u64,
    /// The words that stand for 0, 1, .. `max`, where it takes words and no number.
    pub words: &'static [&'static str],
}

impl Param {
    fn read(&self, text: &str) -> Option<u64> {
        if self.words.is_empty() {
            let number = text.parse().ok();
            return number.filter(|number| (self.min..=self.max).contains(number));
        }
        let word = self.words.iter().position(|&word| word == text);
        word.map(|word| word as u64)
    }

    fn accepted(&self) -> String {
        match self.words {
            [] => format!("a whole number from {} to {}", self.min, self.max),
            words => words.join(", "),
        }
    }

    /// The value as a user writes it.
    pub fn show(&self, value: u64) -> String {
        match self.words.get(value as usize) {
            Some(&word) => word.to_owned(),
            None => value.to_string(),
        }
    }
}

impl<'a> Spec<'a> {
    /// Reads `name:key=value:…`.
    ///
    /// # Errors
    /// A part that is no pair, or a key that stands twice.
    pub fn parse(text: &'a str) -> Result<Spec<'a>, SpecError> {
        let text = text.trim();
        let mut parts = text.split(':');
        let name = parts.next().unwrap_or_default();
        let mut pairs: Vec<(&str, &str)> = Vec::new();
        for part in parts {
            let (key, value) = part.split_once('=').ok_or_else(|| SpecError::Malformed {
                part: part.to_owned(),
                text: text.to_owned(),
            })?;
            if pairs.iter().any(|(other, _)| *other == key) {
                return Err(SpecError::Repeated {
                    name: key.to_owned(),
                    text: text.to_owned(),
                });
            }
            pairs.push((key, value));
        }
        Ok(Spec { text, name, pairs })
    }

    /// The member's name.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// What was written, without spaces around it.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// Parameters and values, in the order in which they were written.
    pub fn pairs(&self) -> &[(&'a str, &'a str)] {
        &self.pairs
    }

    /// That `family` has no member of this name.
    pub fn unknown_name<'n>(
        &self,
        family: &'static str,
        names: impl Iterator<Item = &'n str>,
    ) -> SpecError {
        SpecError::UnknownName {
            family,
            name: self.name.to_owned(),
            accepted: listed(names),
        }
    }

    /// That the member has no parameter `name`.
    pub fn unknown_param<'n>(&self, name: &str, names: impl Iterator<Item = &'n str>) -> SpecError {
        SpecError::UnknownParam {
            member: self.name.to_owned(),
            name: name.to_owned(),
            accepted: listed(names),
        }
    }

    /// That the parameter `name` does not take `value`.
    pub fn bad_value(&self, name: &str, value: &str, accepted: impl Into<String>) -> SpecError {
        SpecError::BadValue {
            member: self.name.to_owned(),
            name: name.to_owned(),
            value: value.to_owned(),
            accepted: accepted.into(),
        }
    }

    /// The values of `params`, in their order; the defaults where none are given.
    ///
    /// # Errors
    /// A parameter that is not among them, or a value that is no number within its bounds.
    pub fn numbers(&self, params: &[Param]) -> Result<Vec<u64>, SpecError> {
        let mut values: Vec<u64> = params.iter().map(|param| param.default).collect();
        for &(name, value) in &self.pairs {
            let at = params.iter().position(|param| param.name == name);
            let at =
                at.ok_or_else(|| self.unknown_param(name, params.iter().map(|param| param.name)))?;
            values[at] = params[at]
                .read(value)
                .ok_or_else(|| self.bad_value(name, value, params[at].accepted()))?;
        }
        Ok(values)
    }
}

/// Names as an error lists them.
fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<&str> = names.collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARAMS: &[Param] = &[Param {
        name: "points",
        about: "",
        default: 160,
        min: 1,
        max: 1000,
        words: &[],
    }];

    #[test]
    fn reads_and_checks() {
        let numbers = |text: &str| {
            let numbers = Spec::parse(text).and_then(|spec| spec.numbers(PARAMS));
            numbers.map_err(|error| error.to_string())
        };
        assert_eq!(numbers("ring"), Ok(vec![160]));
        assert_eq!(numbers(" ring:points=7 "), Ok(vec![7]));
        for (text, told) in [
            ("ring:points", "`points` in `ring:points` is not name=value"),
            ("ring:", "`` in `ring:` is not name=value"),
            (
                "ring:points=7:points=8",
                "`points` is given twice in `ring:points=7:points=8`; accepted: once",
            ),
            (
                "ring:knots=1",
                "`ring` has no parameter `knots`; accepted: points",
            ),
        ] {
            assert_eq!(numbers(text), Err(told.to_owned()));
        }
        for value in ["", "0", "1001", "-1", "two", "99999999999999999999"] {
            let told = format!(
                "`points` of `ring` cannot be `{value}`; accepted: a whole number from 1 to 1000"
            );
            assert_eq!(numbers(&format!("ring:points={value}")), Err(told));
        }
        let plain = Spec::parse("mod:x=1").expect("a spec");
        let none = plain.numbers(&[]).expect_err("no parameters");
        assert_eq!(
            none.to_string(),
            "`mod` has no parameter `x`; accepted: none"
        );
    }
}
