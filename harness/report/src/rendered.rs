//! A rendered run, and its way into the run's folder.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::html::{self, Built};
use crate::page::PAGES;
use crate::run::Run;
use crate::{csv, markdown};

/// The files of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// `report.html`: everything in one file.
    pub html: String,
    /// `report.md`: the same without plots.
    pub markdown: String,
    /// `rows.csv`: the rows.
    pub csv: String,
}

/// Renders the run in `dir`.
///
/// # Errors
/// The run cannot be read.
pub fn render(dir: &Path) -> Result<Rendered, Error> {
    Ok(render_run(&Run::read(dir)?))
}

/// Renders a run: the same run gives the same bytes, always and everywhere.
pub fn render_run(run: &Run) -> Rendered {
    let build = |page: &crate::page::Page| Built {
        name: page.name,
        title: page.title,
        blocks: (page.build)(run),
    };
    let mut pages: Vec<Built> = PAGES.iter().map(build).collect();
    // What the run has comes before what it has not.
    pages.sort_by_key(Built::is_absent);
    Rendered {
        html: html::render(run, &pages),
        markdown: markdown::render(run, &pages),
        csv: csv::render(&run.rows),
    }
}

/// Renders the run in `dir` and writes the report's files into it; returns the path of the HTML file.
///
/// # Errors
/// The run cannot be read, or a file not be written; no partial file is left under a final name.
pub fn write(dir: &Path) -> Result<PathBuf, Error> {
    let rendered = render(dir)?;
    let html = dir.join("report.html");
    place(&dir.join("rows.csv"), &rendered.csv)?;
    place(&dir.join("report.md"), &rendered.markdown)?;
    place(&html, &rendered.html)?;
    Ok(html)
}

/// Writes `text` to a temporary name beside `path`, syncs it, and renames it.
fn place(path: &Path, text: &str) -> Result<(), Error> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.partial", std::process::id()));
    let partial = path.with_file_name(name);
    let written = (|| -> io::Result<()> {
        let mut file = File::create(&partial)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&partial, path)
    })();
    written.map_err(|source| {
        // What is left is of no use to anyone; that it cannot be removed would not be news.
        let _ = fs::remove_file(&partial);
        Error::Write {
            path: path.into(),
            source,
        }
    })
}
