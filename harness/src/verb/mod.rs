//! Verbs: a file each, a line each in [`Verb`].

mod list;

use clap::{Parser, Subcommand};

use crate::status::Outcome;

/// An in-memory data store that speaks Redis and Memcached, and the laboratory around it.
#[derive(Debug, Parser)]
#[command(
    name = "seawall",
    version,
    about,
    max_term_width = 100,
    arg_required_else_help = true
)]
pub(crate) struct Program {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What the program does.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Name every member of every family
    List(list::Arguments),
}

impl Verb {
    /// Does it.
    pub(crate) fn run(self) -> Outcome {
        match self {
            Verb::List(arguments) => list::run(&arguments),
        }
    }
}
