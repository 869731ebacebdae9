//! Configurations: what a comparison sets, each with its name.
//!
//! The one idea: a setting whose value is a list stands for one configuration for each of its values, so that a
//! cross of settings is written as the settings that it crosses.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};
use toml::Spanned;

use super::Length;
use crate::setting::{Configuration, End, Scalar, SettingError};
use crate::source::{Source, SourceError};

/// The most configurations that lists may make of one.
const CROSSED_MAX: usize = 1_000;

/// Settings as they stand in a suite.
pub(super) type Settings = BTreeMap<Spanned<String>, Spanned<Given>>;

/// A value, or several of which each is tried.
#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "a text, a whole number, true or false, or a list of these"
)]
pub(super) enum Given {
    One(Scalar),
    Each(Vec<Scalar>),
}

impl Given {
    fn values(&self) -> &[Scalar] {
        match self {
            Given::One(value) => std::slice::from_ref(value),
            Given::Each(values) => values,
        }
    }
}

/// A configuration with the words that set it.
#[derive(Clone, Debug)]
pub struct Named {
    /// What a row says: `name` first, then what was set, as given.
    pub given: Map<String, Value>,
    /// What it means.
    pub configuration: Configuration,
}

impl Named {
    /// A configuration from names and values that were given one by one.
    ///
    /// # Errors
    /// A setting refuses its value; the pair is returned with it.
    pub fn from_pairs<'a>(
        name: &str,
        pairs: impl IntoIterator<Item = (&'a str, Scalar)>,
    ) -> Result<Named, SettingError> {
        let mut named = Named {
            given: Map::new(),
            configuration: Configuration::default(),
        };
        named.given.insert("name".to_owned(), Value::from(name));
        for (name, value) in pairs {
            named.set(name, &value)?;
        }
        Ok(named)
    }

    fn set(&mut self, name: &str, value: &Scalar) -> Result<(), SettingError> {
        self.configuration.set(name, value)?;
        self.given.insert(name.to_owned(), value.to_json());
        Ok(())
    }

    /// Adds a value to its name.
    fn be_told_apart_by(&mut self, setting: &str, value: &Scalar) {
        let name = self.given["name"].as_str().unwrap_or_default();
        let name = format!("{name}, {setting} {value}");
        self.given.insert("name".to_owned(), Value::from(name));
    }

    /// Whether it can be measured for so long.
    ///
    /// # Errors
    /// An open loop has no number of ops: those that a stalled client did not send would be missing, and
    /// with them their latency.
    pub fn lasts(&self, length: Length) -> Result<(), String> {
        match length {
            Length::Ops(_) if self.configuration.rate.is_some() => Err(
                "`ops` cannot be set with a `rate`, expected `seconds`: what a stalled client did not send would \
                 not be counted"
                    .to_owned(),
            ),
            _ => Ok(()),
        }
    }

    /// Why it cannot be measured on this machine, where it cannot.
    pub fn absent(&self) -> Option<String> {
        match self.configuration.end {
            End::Power => seawall_power::usable().err(),
            End::Stop | End::Kill => None,
        }
    }

    /// Whether none of `settings` is set.
    ///
    /// # Errors
    /// One is: names it, and says `why` it cannot be.
    pub(crate) fn refuse(&self, settings: &[&str], why: &str) -> Result<(), String> {
        match settings.iter().find(|name| self.given.contains_key(**name)) {
            Some(name) => {
                let left = crate::SETTINGS.iter().map(|setting| setting.name);
                let left: Vec<_> = left.filter(|left| !settings.contains(left)).collect();
                Err(format!(
                    "`{name}` cannot be set: {why}; it takes {}",
                    left.join(", ")
                ))
            }
            None => Ok(()),
        }
    }
}

/// All configurations of a comparison: one without settings of its own where it has none.
///
/// # Errors
/// A name is missing or comes twice, or a setting or its value is unknown; the message has file, line and what is
/// accepted.
pub(super) fn all(
    shared: &Settings,
    own: &[Spanned<Settings>],
    source: &Source,
) -> Result<Vec<Named>, SourceError> {
    if own.is_empty() {
        return crossed("default", shared, &Settings::new(), source);
    }
    let mut all: Vec<Named> = Vec::new();
    for table in own {
        let settings = table.get_ref();
        let Some(name) = settings.get("name") else {
            return Err(source.at(&table.span(), "a `configuration` has no `name`"));
        };
        let Given::One(word) = name.get_ref() else {
            return Err(source.at(&name.span(), "`name` is a list, expected a word"));
        };
        for named in crossed(&word.to_string(), shared, settings, source)? {
            let word = &named.given["name"];
            if all.iter().any(|other| other.given["name"] == *word) {
                let word = word.as_str().unwrap_or_default();
                let message =
                    format!("two configurations are named `{word}`, expected different names");
                return Err(source.at(&name.span(), message));
            }
            all.push(named);
        }
    }
    Ok(all)
}

/// The configurations that `own` stands for beside `shared`, the last list's values by turns first.
fn crossed(
    name: &str,
    shared: &Settings,
    own: &Settings,
    source: &Source,
) -> Result<Vec<Named>, SourceError> {
    let mut all = vec![Named::from_pairs(name, []).expect("no pair, no error")];
    for (setting, given) in shared.iter().chain(own) {
        let word = setting.get_ref().as_str();
        if word == "name" {
            continue;
        }
        let values = given.get_ref().values();
        if values.is_empty() {
            let message = format!("`{word}` is an empty list, expected at least one value");
            return Err(source.at(&given.span(), message));
        }
        if all.len() * values.len() > CROSSED_MAX {
            let message = format!("its lists make more than {CROSSED_MAX} configurations");
            return Err(source.at(&given.span(), message));
        }
        let is_list = matches!(given.get_ref(), Given::Each(_));
        let mut next = Vec::with_capacity(all.len() * values.len());
        for named in &all {
            for value in values {
                let mut named = named.clone();
                named
                    .set(word, value)
                    .map_err(|error| source.at(&setting.span(), error.to_string()))?;
                if is_list {
                    named.be_told_apart_by(word, value);
                }
                next.push(named);
            }
        }
        all = next;
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Draft {
        #[serde(default)]
        settings: Settings,
        #[serde(default)]
        configuration: Vec<Spanned<Settings>>,
    }

    fn read(text: &str) -> Result<Vec<Named>, String> {
        let source = Source::new("a.toml", text);
        let draft: Draft = source.parse().map_err(|error| error.to_string())?;
        all(&draft.settings, &draft.configuration, &source).map_err(|error| error.to_string())
    }

    #[test]
    fn a_list_stands_for_a_configuration_each() {
        let text = r#"
            settings = { pipeline = 16 }
            [[configuration]]
            name = "off"
            save = ["no", "60 1"]
            [[configuration]]
            name = "log"
            appendonly = true
            appendfsync = ["no", "always"]
            device = ["file", "uring"]"#;
        let all = read(text).expect("a cross");
        let names: Vec<_> = all
            .iter()
            .filter_map(|named| named.given["name"].as_str())
            .collect();
        let wanted = [
            "off, save no",
            "off, save 60 1",
            "log, appendfsync no, device file",
            "log, appendfsync no, device uring",
            "log, appendfsync always, device file",
            "log, appendfsync always, device uring",
        ];
        assert_eq!(names, wanted);
        let last = &all[5];
        assert_eq!(last.given["pipeline"], 16);
        assert_eq!(last.given["appendfsync"], "always");
        let configuration = &last.configuration;
        assert_eq!(configuration.fsync, seawall_store::log::Fsync::Always);
        assert_eq!(configuration.device.name, "uring");
        assert_eq!(all[1].configuration.save, "60 1");
        assert!(all[0].configuration.save.is_empty());
    }

    #[test]
    fn lists_that_cannot_be_are_told_with_their_place() {
        let one = |rest: &str| format!("[[configuration]]\nname = 'a'\n{rest}");
        let many = (1..=40)
            .map(|n| n.to_string())
            .collect::<Vec<_>>()
            .join(", ");
        for (rest, words) in [
            (
                "appendfsync = []",
                "a.toml:3: `appendfsync` is an empty list",
            ),
            ("pipeline = [1, 0]", "a.toml:3: `pipeline` cannot be `0`"),
            (
                "pipeline = [1, 1]",
                "two configurations are named `a, pipeline 1`",
            ),
            (
                "pipeline = [[1]]",
                "a text, a whole number, true or false, or a list of these",
            ),
            (
                &format!("pipeline = [{many}]\nthreads = [{many}]"),
                "a.toml:4: its lists make more than 1000 configurations",
            ),
        ] {
            let error = read(&one(rest)).expect_err(rest);
            assert!(error.contains(words), "{error}");
        }
        let error = read("[[configuration]]\nname = ['a']").expect_err("no word");
        assert!(error.contains("a.toml:2: `name` is a list"), "{error}");
    }
}
