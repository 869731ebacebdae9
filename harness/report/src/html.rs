//! Blocks as HTML: one file that holds everything, shows in light and dark, and prints.

use minijinja::value::Serde;
use minijinja::{Environment, Value, context};
use serde::Serialize;

use crate::block::Block;
use crate::run::Run;

/// A built page.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Built {
    /// Its name, for links.
    pub name: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// What it holds.
    pub blocks: Vec<Block>,
}

impl Built {
    /// Whether it says only what to run to get it.
    pub fn is_absent(&self) -> bool {
        matches!(
            self.blocks.as_slice(),
            [Block::Paragraph { .. }, Block::Command { .. }]
        )
    }
}

/// The templates; names that end in `.html` are escaped by minijinja wherever a value is written.
const TEMPLATES: [(&str, &str); 2] = [
    ("report.html", include_str!("templates/report.html")),
    ("block.html", include_str!("templates/block.html")),
];
const STYLE: &str = include_str!("templates/style.css");

/// The pages as an HTML file.
pub fn render(run: &Run, pages: &[Built]) -> String {
    let mut environment = Environment::new();
    for (name, source) in TEMPLATES {
        environment
            .add_template(name, source)
            .expect("the templates are part of the program");
    }
    let template = environment
        .get_template("report.html")
        .expect("added above");
    let (setup, pages) = (Value::from(Serde(&run.setup)), Value::from(Serde(pages)));
    let values = context! { setup, pages, style => STYLE };
    template
        .render(values)
        .expect("the templates use what they are given")
}
