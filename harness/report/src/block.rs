//! Blocks: what a page is made of, before it is HTML or Markdown.
//!
//! A page builds blocks once; `html` and `markdown` write them out, each escaping
//! all text, so that no name in a row can become markup. Text is a list of spans and not a string
//! with markup in it, for the same reason.

use serde::Serialize;

/// A part of a page.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "block", rename_all = "lowercase")]
pub enum Block {
    /// A heading within the page.
    Heading {
        /// Its text.
        text: Text,
    },
    /// A paragraph.
    Paragraph {
        /// Its text.
        text: Text,
    },
    /// A finding: a sentence with the figures that carry it.
    Finding {
        /// How to take it.
        tone: Tone,
        /// The sentence.
        text: Text,
    },
    /// A remark that the reader must not miss.
    Note {
        /// How to take it.
        tone: Tone,
        /// The remark.
        text: Text,
    },
    /// A command line to copy.
    Command {
        /// The line.
        line: String,
    },
    /// A table.
    Table(Table),
    /// A plot; the tables beside it hold its figures.
    Plot {
        /// The SVG element, whose texts are escaped.
        svg: String,
        /// What it shows and how to read it.
        caption: Text,
    },
    /// Blocks that are folded away at first.
    Folded {
        /// What is in it.
        title: String,
        /// The blocks.
        blocks: Vec<Block>,
    },
}

impl Block {
    /// A heading.
    pub fn heading(text: impl Into<Text>) -> Self {
        Self::Heading { text: text.into() }
    }

    /// A paragraph.
    pub fn paragraph(text: impl Into<Text>) -> Self {
        Self::Paragraph { text: text.into() }
    }

    /// What a page says when its kind of row is absent: what to run to get it.
    pub fn absent(what: &str, command: &str) -> Vec<Self> {
        let text = format!("This run has no {what}. To get them:");
        vec![
            Self::paragraph(text.as_str()),
            Self::Command {
                line: command.into(),
            },
        ]
    }
}

/// How to take a statement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Tone {
    /// As it is.
    #[default]
    Plain,
    /// Something held.
    Good,
    /// Something fell short.
    Bad,
}

/// A line of text.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Text(Vec<Span>);

/// A piece of text in one manner.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Span {
    /// The manner.
    pub manner: Manner,
    /// The text, not escaped.
    pub text: String,
}

/// How a piece of text is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Manner {
    /// As its surroundings.
    Plain,
    /// A figure or word that carries the sentence.
    Strong,
    /// A name from configuration or rows.
    Code,
}

impl Text {
    /// No text yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds plain text.
    #[must_use]
    pub fn plain(self, text: impl Into<String>) -> Self {
        self.with(Manner::Plain, text.into())
    }

    /// Adds text that carries the sentence.
    #[must_use]
    pub fn strong(self, text: impl Into<String>) -> Self {
        self.with(Manner::Strong, text.into())
    }

    /// Adds a name from configuration or rows.
    #[must_use]
    pub fn code(self, text: impl Into<String>) -> Self {
        self.with(Manner::Code, text.into())
    }

    /// The pieces.
    pub fn spans(&self) -> &[Span] {
        &self.0
    }

    fn with(mut self, manner: Manner, text: String) -> Self {
        self.0.push(Span { manner, text });
        self
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        if text.is_empty() {
            Self::new()
        } else {
            Self::new().plain(text)
        }
    }
}

/// A table.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Table {
    /// What it holds.
    pub title: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows, each as long as `columns`.
    pub rows: Vec<Vec<Entry>>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Column {
    /// Its heading.
    pub title: String,
    /// Whether it holds numbers, which align to the right.
    pub number: bool,
}

/// A table's entry.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Entry {
    /// Its text, not escaped.
    pub text: String,
    /// Whether it stands out: the best of its kind.
    pub strong: bool,
    /// How to take it.
    pub tone: Tone,
}

impl Table {
    /// A table without rows. A column whose title begins with `#` holds numbers.
    pub fn new(title: impl Into<String>, columns: &[&str]) -> Self {
        let columns = columns
            .iter()
            .map(|title| match title.strip_prefix('#') {
                Some(title) => Column {
                    title: title.into(),
                    number: true,
                },
                None => Column {
                    title: (*title).into(),
                    number: false,
                },
            })
            .collect();
        Self {
            title: title.into(),
            columns,
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub fn push(&mut self, row: Vec<Entry>) {
        assert_eq!(
            row.len(),
            self.columns.len(),
            "{}: an entry for each column",
            self.title
        );
        self.rows.push(row);
    }

    /// Leaves out the columns in which every row says the same nothing: empty, or no figure.
    #[must_use]
    pub fn without_empty_columns(mut self) -> Self {
        for index in (0..self.columns.len()).rev() {
            let nothing = |text: &str| text.is_empty() || text == crate::number::ABSENT;
            if self.rows.iter().all(|row| nothing(&row[index].text)) {
                self.columns.remove(index);
                for row in &mut self.rows {
                    row.remove(index);
                }
            }
        }
        self
    }
}

impl Entry {
    /// This entry, standing out if `strong`.
    #[must_use]
    pub fn strong_if(mut self, strong: bool) -> Self {
        self.strong = strong;
        self
    }

    /// This entry in a tone.
    #[must_use]
    pub fn tone(mut self, tone: Tone) -> Self {
        self.tone = tone;
        self
    }
}

impl<T: Into<String>> From<T> for Entry {
    fn from(text: T) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }
}
