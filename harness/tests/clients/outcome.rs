//! What became of a script: for each section, whether it held.

use std::collections::BTreeMap;

/// Sections by name; of those that did not hold, why.
#[derive(Debug, Default)]
pub struct Outcome(BTreeMap<String, Option<String>>);

impl Outcome {
    /// Notes how a section ended.
    pub fn note(&mut self, section: &str, failed: Option<String>) {
        self.0.insert(section.to_owned(), failed);
    }

    /// The lines `passed NAME` and `failed NAME: WHY` of a script's output.
    pub fn parse(text: &str) -> Outcome {
        let mut outcome = Outcome::default();
        for line in text.lines() {
            if let Some(name) = line.strip_prefix("passed ") {
                outcome.note(name, None);
            } else if let Some((name, why)) = line
                .strip_prefix("failed ")
                .and_then(|line| line.split_once(": "))
            {
                outcome.note(name, Some(why.to_owned()));
            }
        }
        outcome
    }

    /// Whether a section was run and held.
    pub fn held(&self, section: &str) -> bool {
        self.0.get(section).is_some_and(Option::is_none)
    }

    /// The sections among `names` that did not hold, or were not run, with the reasons.
    pub fn failures<'a>(&self, names: impl Iterator<Item = &'a str>) -> Vec<String> {
        names
            .filter(|name| !self.held(name))
            .map(|name| match self.0.get(name) {
                Some(why) => format!("{name}: {}", why.as_deref().unwrap_or_default()),
                None => format!("{name}: it did not run"),
            })
            .collect()
    }
}
