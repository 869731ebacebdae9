//! Blocks as Markdown: the same words and tables, without the plots.

use std::fmt::Write as _;

use crate::block::{Block, Manner, Table, Text, Tone};
use crate::html::Built;
use crate::run::Run;

/// The pages as a Markdown file.
pub fn render(run: &Run, pages: &[Built]) -> String {
    let mut out = format!("# Seawall: {}\n", escaped(&run.setup.suite));
    for page in pages {
        let _ = write!(out, "\n## {}\n", page.title);
        for block in &page.blocks {
            write_block(&mut out, block);
        }
    }
    out
}

fn write_block(out: &mut String, block: &Block) {
    // Writing to a string cannot fail.
    let _ = match block {
        Block::Heading { text } => write!(out, "\n### {}\n", words(text)),
        Block::Paragraph { text } => write!(out, "\n{}\n", words(text)),
        Block::Finding { tone, text } => write!(out, "\n- {}{}\n", sign(*tone), words(text)),
        Block::Note { text, .. } => write!(out, "\n> {}\n", words(text)),
        Block::Command { line } => {
            let fence = fence(line, 3);
            write!(
                out,
                "\n{fence}\n{}\n{fence}\n",
                line.replace(['\r', '\n'], " ")
            )
        }
        Block::Table(table) => {
            write_table(out, table);
            Ok(())
        }
        // Its figures stand in the tables beside it.
        Block::Plot { .. } => Ok(()),
        Block::Folded { title, blocks } => {
            let _ = write!(out, "\n#### {}\n", escaped(title));
            for block in blocks {
                write_block(out, block);
            }
            Ok(())
        }
    };
}

fn write_table(out: &mut String, table: &Table) {
    let _ = write!(out, "\n**{}**\n\n|", escaped(&table.title));
    for column in &table.columns {
        let _ = write!(out, " {} |", escaped(&column.title));
    }
    out.push_str("\n|");
    for column in &table.columns {
        out.push_str(if column.number { " ---: |" } else { " --- |" });
    }
    out.push('\n');
    for row in &table.rows {
        out.push('|');
        for entry in row {
            let text = escaped(&entry.text);
            let _ = if entry.strong && !text.is_empty() {
                write!(out, " **{text}** |")
            } else {
                write!(out, " {text} |")
            };
        }
        out.push('\n');
    }
}

fn sign(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "",
        Tone::Good => "✓ ",
        Tone::Bad => "✗ ",
    }
}

fn words(text: &Text) -> String {
    let mut out = String::new();
    for span in text.spans() {
        match span.manner {
            Manner::Plain => out.push_str(&escaped(&span.text)),
            // Emphasis must touch its words, and a span may begin with a space.
            Manner::Strong => {
                let inner = span.text.trim();
                let (before, after) = span.text.split_once(inner).unwrap_or_default();
                let _ = write!(out, "{before}**{}**{after}", escaped(inner));
            }
            Manner::Code => out.push_str(&code(&span.text)),
        }
    }
    out
}

/// A code span; its fence is longer than any run of backticks within.
fn code(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let fence = fence(&text, 1);
    let pad = if text.starts_with('`') || text.ends_with('`') || text.is_empty() {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{text}{pad}{fence}")
}

fn fence(text: &str, least: usize) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(least.max(longest + 1))
}

/// Text that Markdown takes as text.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' => {
                out.push('\\');
                out.push(character);
            }
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            character if character.is_control() => out.push(' '),
            character => out.push(character),
        }
    }
    out
}
