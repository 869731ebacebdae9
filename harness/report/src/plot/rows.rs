//! Rows: one line a thing, its name to the left, its figure as a bar or as dots with an interval.
//!
//! Bars start at zero. Dots show every value (each repetition, each seed), since a summary of five
//! hides what the five were.

use super::axis::Axis;
use super::canvas::{Anchor, Canvas, Ink, shortened, svg, width_of};
use super::palette::{Dash, Look};
use crate::stats::Interval;

/// A plot of rows.
#[derive(Clone, Debug)]
pub struct Rows {
    /// What it shows.
    pub title: String,
    /// The axis.
    pub axis: Axis,
    /// The rows.
    pub rows: Vec<RowMark>,
    /// Whether the figure is a bar from zero; a short line otherwise.
    pub bars: bool,
    /// A value that all are to be seen against.
    pub reference: Option<f64>,
}

/// A row.
#[derive(Clone, Debug)]
pub struct RowMark {
    /// What it belongs to; written once above rows in succession.
    pub group: String,
    /// Its name.
    pub name: String,
    /// How it looks.
    pub look: Look,
    /// Its figure.
    pub value: Option<f64>,
    /// The interval of the figure.
    pub interval: Option<Interval>,
    /// What the figure is held against: a line across its row.
    pub bound: Option<f64>,
    /// All values.
    pub dots: Vec<f64>,
    /// Its figure in words, written to the right.
    pub figure: String,
    /// What it says when pointed at.
    pub tip: String,
}

const WIDTH: f64 = 800.0;
const TOP: f64 = 34.0;
const ROW: f64 = 24.0;
const GROUP: f64 = 26.0;
const TEXT: f64 = 12.0;
/// Dots nearer than this are one, in logical pixels.
const PLACE: f64 = 0.5;
const NAME_CHARACTERS: usize = 38;

impl Rows {
    /// The plot as an SVG element.
    pub fn svg(&self) -> String {
        let groups = self.rows.chunk_by(|a, b| a.group == b.group);
        let groups = groups.filter(|rows| !rows[0].group.is_empty()).count();
        let bottom = TOP + ROW * self.rows.len() as f64 + GROUP * groups as f64;
        svg(WIDTH, bottom + 44.0, &self.title, |canvas| {
            self.draw(canvas, bottom);
        })
    }

    fn draw(&self, canvas: &mut Canvas<'_>, bottom: f64) {
        let names = self
            .rows
            .iter()
            .map(|row| width_of(&shortened(&row.name, NAME_CHARACTERS), TEXT));
        let figures = self.rows.iter().map(|row| width_of(&row.figure, TEXT));
        let left = names.fold(70.0, f64::max) + 18.0;
        let right = (WIDTH - figures.fold(40.0, f64::max) - 14.0).max(left + 200.0);
        let x_of = |value| left + self.axis.position(value) * (right - left);

        canvas.bold((0.0, 10.0), &self.title, 14.0, Ink::TEXT, Anchor::Start);
        let mut free_from = f64::NEG_INFINITY;
        for (value, label) in &self.axis.ticks {
            let x = x_of(*value);
            canvas.line(&[(x, TOP), (x, bottom)], Ink::GRID, 1.0, Dash::Solid);
            let half = width_of(label, 11.5) / 2.0;
            if x - half > free_from {
                canvas.text((x, bottom + 13.0), label, 11.5, Ink::MUTED, Anchor::Middle);
                free_from = x + half + 4.0;
            }
        }
        let middle = f64::midpoint(left, right);
        canvas.text(
            (middle, bottom + 33.0),
            &self.axis.title,
            11.5,
            Ink::MUTED,
            Anchor::Middle,
        );
        if let Some(reference) = self.reference {
            let x = x_of(reference);
            canvas.line(&[(x, TOP), (x, bottom)], Ink::TEXT, 1.25, Dash::Dashed);
        }

        let mut y = TOP;
        for rows in self.rows.chunk_by(|a, b| a.group == b.group) {
            if !rows[0].group.is_empty() {
                canvas.bold(
                    (0.0, y + 15.0),
                    &rows[0].group,
                    TEXT,
                    Ink::MUTED,
                    Anchor::Start,
                );
                y += GROUP;
            }
            for row in rows {
                self.row(canvas, row, y + ROW / 2.0, left, right, &x_of);
                y += ROW;
            }
        }
        canvas.line(
            &[(left, bottom), (right, bottom)],
            Ink::MUTED,
            1.0,
            Dash::Solid,
        );
    }

    fn row(
        &self,
        canvas: &mut Canvas<'_>,
        row: &RowMark,
        y: f64,
        left: f64,
        right: f64,
        x_of: &impl Fn(f64) -> f64,
    ) {
        let name = shortened(&row.name, NAME_CHARACTERS);
        canvas.text((left - 10.0, y), &name, TEXT, Ink::TEXT, Anchor::End);
        if let Some(value) = row.value.filter(|value| value.is_finite()) {
            let x = x_of(value);
            if self.bars {
                canvas.rectangle((left, y - 7.5), (x, y + 7.5), row.look.ink, 0.85);
            } else {
                canvas.line(
                    &[(x, y - 8.0), (x, y + 8.0)],
                    row.look.ink,
                    3.0,
                    Dash::Solid,
                );
            }
        }
        let opacity = if self.bars { 0.9 } else { 0.45 };
        // Hundreds of seeds share few places, and each place is drawn once.
        let mut places: Vec<i64> = row
            .dots
            .iter()
            .filter(|dot| dot.is_finite())
            .map(|dot| (x_of(*dot) / PLACE).round() as i64)
            .collect();
        places.sort_unstable();
        places.dedup();
        for place in places {
            canvas.mark((place as f64 * PLACE, y), row.look, 3.6, opacity);
        }
        if let Some(x) = row.bound.map(x_of) {
            canvas.line(&[(x, y - 11.0), (x, y + 11.0)], Ink::TEXT, 2.0, Dash::Solid);
        }
        if let Some(Interval { low, high }) = row.interval {
            let (low, high) = (x_of(low), x_of(high));
            let ink = if self.bars { Ink::TEXT } else { row.look.ink };
            canvas.line(&[(low, y), (high, y)], ink, 1.25, Dash::Solid);
            for end in [low, high] {
                canvas.line(&[(end, y - 4.0), (end, y + 4.0)], ink, 1.25, Dash::Solid);
            }
        }
        canvas.text(
            (right + 12.0, y),
            &row.figure,
            TEXT,
            Ink::TEXT,
            Anchor::Start,
        );
        canvas.tip_over((0.0, y - ROW / 2.0), (WIDTH, y + ROW / 2.0), &row.tip);
    }
}
