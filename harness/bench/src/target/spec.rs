//! A target as a person names it: `embedded`, `resp://HOST:PORT`, `spawn:redis-server=/path`.

use std::fmt;
use std::str::FromStr;

use super::{TARGETS, Target};
use crate::comparison::Named;

/// How many of a workload's ops are looked at before it is called fit for a target.
const OPS_LOOKED_AT: usize = 256;

/// A target, and which one of its kind.
#[derive(Clone, Debug)]
pub struct TargetSpec {
    /// The kind.
    pub target: &'static Target,
    /// As given.
    pub text: String,
    /// What follows the kind's name: an address, a program.
    which: String,
}

impl PartialEq for TargetSpec {
    fn eq(&self, other: &TargetSpec) -> bool {
        self.text == other.text
    }
}

impl Eq for TargetSpec {}

/// A text that names no target; says what would.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// There is no such kind.
    #[error("unknown target `{text}`, expected one of {}", forms())]
    Unknown {
        /// As given.
        text: String,
    },
    /// What follows the kind's name is wrong.
    #[error("target `{text}`: {why}; expected {form}")]
    Which {
        /// As given.
        text: String,
        /// What is wrong.
        why: String,
        /// How the kind is written.
        form: &'static str,
    },
}

fn forms() -> String {
    let forms: Vec<_> = TARGETS.iter().map(|target| target.form).collect();
    forms.join(", ")
}

impl FromStr for TargetSpec {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<TargetSpec, TargetError> {
        let (name, rest) = text.split_once(':').unwrap_or((text, ""));
        let Some(&target) = TARGETS.iter().find(|target| target.name == name) else {
            return Err(TargetError::Unknown {
                text: text.to_owned(),
            });
        };
        let which = if target.form.contains("://") {
            rest.strip_prefix("//")
                .ok_or_else(|| "no address follows".to_owned())
        } else {
            Ok(rest)
        };
        which
            .and_then(|which| {
                (target.which)(which)?;
                Ok(TargetSpec {
                    target,
                    text: text.to_owned(),
                    which: which.to_owned(),
                })
            })
            .map_err(|why| TargetError::Which {
                text: text.to_owned(),
                why,
                form: target.form,
            })
    }
}

impl fmt::Display for TargetSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TargetSpec {
    /// What follows the kind's name.
    pub(crate) fn which(&self) -> &str {
        &self.which
    }

    /// Why it cannot be driven on this machine, where it cannot.
    pub fn absent(&self) -> Option<String> {
        let why = (self.target.absent)(&self.which)?;
        Some(format!("target `{self}`: {why}"))
    }

    /// Whether it can be set so.
    ///
    /// # Errors
    /// In words for people: the setting that it has nothing for.
    pub fn takes(&self, named: &Named) -> Result<(), String> {
        (self.target.takes)(&self.which, named).map_err(|why| format!("target `{self}`: {why}"))
    }

    /// Whether it can be driven with this workload, as far as is known before.
    ///
    /// # Errors
    /// In words for people: an op that it has no form for.
    pub fn speaks(&self, workload: &str) -> Result<(), String> {
        let Some(speaks) = self.target.speaks else {
            return Ok(());
        };
        let mut load = crate::cell::workload(workload, 0, 0, 1)?;
        let first = load.preload();
        let mut ops = first
            .into_iter()
            .chain(std::iter::repeat_with(|| load.next()).take(OPS_LOOKED_AT));
        ops.try_for_each(|op| speaks(&self.which, &op))
            .map_err(|why| format!("target `{self}`: workload `{workload}` does not fit: {why}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_and_shown() {
        for text in ["embedded", "null", "resp://[::1]:7", "memcached://h:11211"] {
            let spec: TargetSpec = text.parse().expect(text);
            assert_eq!(spec.to_string(), text);
            assert!(text.starts_with(spec.target.name));
        }
        for (text, word) in [
            ("nul", "embedded, null"),
            ("", "embedded"),
            ("null:x", "`x`"),
            ("resp", "resp://HOST:PORT"),
            ("resp:h:1", "resp://HOST:PORT"),
            ("resp://h", "HOST:PORT"),
            ("memcached://h:0", "HOST:PORT"),
        ] {
            let error = text.parse::<TargetSpec>().expect_err(text).to_string();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn what_does_not_fit_is_told_before_anything_runs() {
        use crate::setting::Scalar;
        let named = |pairs: &[(&str, &str)]| {
            let pairs = pairs
                .iter()
                .map(|&(name, value)| (name, Scalar::from_text(value)));
            Named::from_pairs("given", pairs).expect("settings")
        };
        let resp: TargetSpec = "resp://h:1".parse().expect("a target");
        let memcached: TargetSpec = "memcached://h:1".parse().expect("a target");
        assert_eq!(resp.takes(&named(&[("pipeline", "16")])), Ok(()));
        assert_eq!(memcached.speaks("cache-aside:keys=100"), Ok(()));
        let why = resp.takes(&named(&[("maxmemory", "1mb")]));
        let why = why.expect_err("not its own");
        assert!(
            why.contains("`maxmemory`") && why.contains("it takes pipeline, window"),
            "{why}"
        );
        let why = memcached.speaks("leaderboard");
        assert!(why.expect_err("no form").contains("no form for ZADD"));
    }
}
