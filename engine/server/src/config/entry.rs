//! How a line of the table of [parameters](super::parameters) is written: a function for each sort of parameter, so that
//! a line says no more than what it alone has.

use super::kind::Kind;
use super::{Effect, Parameter, When};

/// One that changes while the server runs.
pub(super) const fn running(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    effect: Effect,
    about: &'static str,
) -> Parameter {
    Parameter {
        name,
        older: None,
        kind,
        default,
        when: When::Running,
        effect,
        about,
    }
}

/// One that is set at the start.
pub(super) const fn at_start(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    about: &'static str,
) -> Parameter {
    Parameter {
        name,
        older: None,
        kind,
        default,
        when: When::Start,
        effect: Effect::Start,
        about,
    }
}

/// Kept and shown, so that clients and scripts which set it work; here nothing hangs on it.
pub(super) const fn kept(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    about: &'static str,
) -> Parameter {
    running(name, kind, default, Effect::Nothing, about)
}

/// Redis's name of before 7.0 for the same.
pub(super) const fn older(older: &'static str, parameter: Parameter) -> Parameter {
    Parameter {
        older: Some(older),
        ..parameter
    }
}
