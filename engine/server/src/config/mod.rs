//! Configuration: one table of parameters, the values that are in force, and how a change takes effect.
//!
//! ```text
//!  file, --set ─┐
//!               ├─► Settings ─► limits(), store() …  what the parts of the server read
//!  CONFIG SET ──┘      ▲
//!                      └─ PARAMETERS: name, kind, default, when, effect
//! ```
//!
//! Values are kept in the text that `CONFIG GET` shows; whoever needs one as a number reads it when it
//! changes, never on the way of a command.

pub mod composed;
mod conf;
mod entry;
pub mod file;
pub mod kind;
mod live;
mod parameters;

use std::fmt;

pub use file::FileError;
pub use kind::{Kind, Refused};
pub use live::{FILES_OF_ITS_OWN, Live, check_memory};
pub use parameters::PARAMETERS;

use crate::limits::Limits;

/// One parameter.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its name: Redis's, where Redis has it.
    pub name: &'static str,
    /// Another name that Redis had for it.
    pub older: Option<&'static str>,
    /// What its value may be.
    pub kind: Kind,
    /// Its value where nothing else is said.
    pub default: &'static str,
    /// When it can be changed.
    pub when: When,
    /// What a change reaches.
    pub effect: Effect,
    /// One line for people: what it says, or why nothing hangs on it.
    pub about: &'static str,
}

/// When a parameter can be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// At any time.
    Running,
    /// Before the server starts.
    Start,
}

/// What a change of a parameter reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The bounds on clients, in every worker's next turn.
    Clients,
    /// Every shard.
    Store,
    /// What is done by the clock.
    Clock,
    /// The slow log and the measures of time.
    Watching,
    /// How the server starts.
    Start,
    /// Nothing: it is kept and shown.
    Nothing,
}

/// A name that is no parameter's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no parameter '{name}'; the nearest is '{nearest}'")]
pub struct Unknown {
    /// The name.
    pub name: String,
    /// The parameter whose name is nearest.
    pub nearest: &'static str,
}

/// Why a value cannot be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetError {
    /// There is no such parameter.
    #[error(transparent)]
    Unknown(#[from] Unknown),
    /// The value is refused.
    #[error("{name} cannot be '{value}': {why}; accepted: {accepted}")]
    Refused {
        /// The parameter.
        name: &'static str,
        /// The value.
        value: String,
        /// Why.
        why: Refused,
        /// What would be accepted.
        accepted: String,
    },
    /// Not of the form `NAME=VALUE`.
    #[error("'{0}' is not of the form NAME=VALUE")]
    Form(String),
}

/// The parameter of this name, in any case, and the name in its own spelling (an older one, where that
/// was meant).
pub fn find(name: &str) -> Option<(&'static Parameter, &'static str)> {
    PARAMETERS.iter().find_map(|parameter| {
        let names = std::iter::once(parameter.name).chain(parameter.older);
        let mut names = names.filter(|own| own.eq_ignore_ascii_case(name));
        names.next().map(|own| (parameter, own))
    })
}

/// The parameter of this name.
///
/// # Errors
/// There is none.
pub fn named(name: &str) -> Result<&'static Parameter, Unknown> {
    find(name).map(|(parameter, _)| parameter).ok_or_else(|| {
        let distance = |known: &str| strsim::damerau_levenshtein(known, &name.to_lowercase());
        let names = PARAMETERS.iter().map(|parameter| parameter.name);
        Unknown {
            name: name.chars().take(64).collect(),
            nearest: names
                .min_by_key(|known| distance(known))
                .unwrap_or_default(),
        }
    })
}

/// The values of all parameters.
#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    values: Vec<String>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            values: PARAMETERS.iter().map(|p| p.default.to_owned()).collect(),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let changed = (self.all()).filter(|(parameter, value)| parameter.default != *value);
        f.debug_map()
            .entries(changed.map(|(parameter, value)| (parameter.name, value)))
            .finish()
    }
}

impl Settings {
    /// Every parameter with its value.
    pub fn all(&self) -> impl Iterator<Item = (&'static Parameter, &str)> {
        PARAMETERS
            .iter()
            .zip(self.values.iter().map(String::as_str))
    }

    /// Changes a parameter.
    ///
    /// # Errors
    /// The value is refused; the old one stays.
    pub fn set(&mut self, parameter: &Parameter, text: &str) -> Result<(), Refused> {
        let value = &mut self.values[place(parameter.name)];
        *value = parameter.kind.read(value, text)?;
        Ok(())
    }

    /// Changes a parameter by its name.
    ///
    /// # Errors
    /// There is none of this name, or the value is refused.
    pub fn set_named(&mut self, name: &str, text: &str) -> Result<(), SetError> {
        let parameter = named(name)?;
        self.set(parameter, text).map_err(|why| SetError::Refused {
            name: parameter.name,
            value: text.chars().take(64).collect(),
            why,
            accepted: parameter.kind.accepted(),
        })
    }

    /// Changes a parameter as a command line says it: `NAME=VALUE`.
    ///
    /// # Errors
    /// It is not of that form, there is none of this name, or the value is refused.
    pub fn assign(&mut self, assignment: &str) -> Result<(), SetError> {
        let (name, value) = (assignment.split_once('='))
            .ok_or_else(|| SetError::Form(assignment.chars().take(64).collect()))?;
        self.set_named(name.trim(), value.trim())
    }

    /// The value of the parameter of this name.
    ///
    /// # Panics
    /// There is none: names are written in this crate.
    pub fn text(&self, name: &str) -> &str {
        &self.values[place(name)]
    }

    /// The value of a number or a size.
    ///
    /// # Panics
    /// The parameter is no number.
    pub fn number(&self, name: &str) -> u64 {
        self.text(name)
            .parse()
            .expect("its kind is a number from 0")
    }

    /// The value of a number that may be below 0.
    ///
    /// # Panics
    /// The parameter is no number.
    pub fn signed(&self, name: &str) -> i64 {
        self.text(name).parse().expect("its kind is a number")
    }

    /// The value of a `yes` or `no`.
    pub fn yes(&self, name: &str) -> bool {
        self.text(name) == "yes"
    }

    /// The bounds on clients.
    pub fn limits(&self) -> Limits {
        let output = composed::output_limits("", self.text("client-output-buffer-limit"));
        let [output_normal, _, output_pubsub] = output.expect("it was read before");
        Limits {
            clients: self.number("maxclients") as usize,
            query_bytes: self.number("client-query-buffer-limit") as usize,
            bulk_bytes: self.number("proto-max-bulk-len") as usize,
            item_bytes: self.number("memcached-item-size-max") as usize,
            idle_s: self.number("timeout"),
            output_normal,
            output_pubsub,
            all_bytes: composed::share(self.text("maxmemory-clients"), self.number("maxmemory"))
                .unwrap_or(0),
            protects: self.yes("protected-mode"),
            databases: self.number("databases") as u8,
            password: self.text("requirepass").as_bytes().to_vec(),
        }
    }
}

/// The place of the parameter of this name in the table.
fn place(name: &str) -> usize {
    let place = PARAMETERS.iter().position(|known| known.name == name);
    place.unwrap_or_else(|| panic!("no parameter {name}"))
}

#[cfg(test)]
mod tests;
