//! Heat maps: a square for each row and column, its colour by how far above or below nothing its figure is.

use super::canvas::{Anchor, Canvas, Ink, shortened, svg, width_of};
use crate::number::Format;

/// A heat map.
#[derive(Clone, Debug)]
pub struct Heat {
    /// What it shows.
    pub title: String,
    /// What the columns are.
    pub columns: Vec<String>,
    /// The rows: a name, and a figure for each column that has one.
    pub rows: Vec<(String, Vec<Option<f64>>)>,
    /// How figures are written.
    pub format: Format,
}

const WIDTH: f64 = 800.0;
const TOP: f64 = 52.0;
const ROW: f64 = 22.0;
const TEXT: f64 = 12.0;
const NAME_CHARACTERS: usize = 34;
/// Blue and vermilion of Okabe and Ito stay apart for colour-blind readers.
const ABOVE: Ink = Ink(0x00, 0x72, 0xB2);
const BELOW: Ink = Ink(0xD5, 0x5E, 0x00);
/// The strongest colour still lets its figure be read.
const OPACITY_MAX: f64 = 0.75;

impl Heat {
    /// The plot as an SVG element.
    pub fn svg(&self) -> String {
        let bottom = TOP + ROW * self.rows.len() as f64;
        svg(WIDTH, bottom + 8.0, &self.title, |canvas| self.draw(canvas))
    }

    fn draw(&self, canvas: &mut Canvas<'_>) {
        canvas.bold((0.0, 10.0), &self.title, 14.0, Ink::TEXT, Anchor::Start);
        let names = self
            .rows
            .iter()
            .map(|(name, _)| shortened(name, NAME_CHARACTERS));
        let left = names.map(|name| width_of(&name, TEXT)).fold(60.0, f64::max) + 14.0;
        let wide = (WIDTH - left) / self.columns.len().max(1) as f64;
        for (column, title) in self.columns.iter().enumerate() {
            let middle = left + (column as f64 + 0.5) * wide;
            let title = shortened(title, (wide / 7.0) as usize);
            canvas.text(
                (middle, TOP - 12.0),
                &title,
                11.5,
                Ink::MUTED,
                Anchor::Middle,
            );
        }
        let figures = self.rows.iter().flat_map(|(_, figures)| figures).flatten();
        let most = figures.fold(0.0, |most: f64, figure| most.max(figure.abs()));
        for (row, (name, figures)) in self.rows.iter().enumerate() {
            let y = TOP + row as f64 * ROW;
            let shown = shortened(name, NAME_CHARACTERS);
            canvas.text(
                (left - 8.0, y + ROW / 2.0),
                &shown,
                TEXT,
                Ink::TEXT,
                Anchor::End,
            );
            for (column, figure) in figures.iter().enumerate() {
                let Some(figure) = figure.filter(|figure| figure.is_finite()) else {
                    continue;
                };
                let from = (left + column as f64 * wide + 1.0, y + 1.0);
                let to = (from.0 + wide - 2.0, y + ROW - 1.0);
                let ink = if figure < 0.0 { BELOW } else { ABOVE };
                let share = if most > 0.0 { figure.abs() / most } else { 0.0 };
                canvas.rectangle(from, to, Ink::GRID, 0.35);
                canvas.rectangle(from, to, ink, OPACITY_MAX * share);
                let text = (self.format)(figure);
                let middle = (f64::midpoint(from.0, to.0), f64::midpoint(from.1, to.1));
                canvas.text(middle, &text, 11.0, Ink::TEXT, Anchor::Middle);
                let tip = format!("{name}, {}: {text}", self.columns[column]);
                canvas.tip_over(from, to, &tip);
            }
        }
    }
}
