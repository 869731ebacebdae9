//! `seawall list`: every member of every family, from the lists themselves.

use clap::Args;
use clap::builder::PossibleValuesParser;
use serde_json::{Map, json};

use crate::family::{FAMILIES, Family};
use crate::output;
use crate::status::Outcome;
use crate::table;

/// Name every member of every family, with what it is and where it comes from.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  seawall list\n  seawall list policies\n  seawall list --json")]
pub(crate) struct Arguments {
    /// One family instead of all
    #[arg(value_parser = PossibleValuesParser::new(FAMILIES.iter().map(|family| family.name)))]
    family: Option<String>,
    /// One JSON object, {family: [{"name", "about", "source"}]}, on standard output
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let chosen: Vec<&Family> = FAMILIES
        .iter()
        .filter(|family| {
            arguments
                .family
                .as_deref()
                .is_none_or(|name| name == family.name)
        })
        .collect();
    if arguments.json {
        let object: Map<_, _> = chosen
            .iter()
            .map(|family| (family.name.to_owned(), json!((family.members)())))
            .collect();
        return output::line(&serde_json::Value::Object(object).to_string());
    }
    let mut text = String::new();
    for family in chosen {
        text.push_str(&table::members(family));
        text.push('\n');
    }
    output::line(text.trim_end())
}
