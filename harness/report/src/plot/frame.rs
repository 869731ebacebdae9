//! The frame of a plot: its title, its axes with their ticks, and the lines that the eye follows.

use super::axis::Axis;
use super::canvas::{Anchor, Canvas, Ink, width_of};
use super::palette::Dash;

/// Where the vertical axis stands.
pub(super) const LEFT: f64 = 64.0;
/// Where it ends.
pub(super) const TOP: f64 = 46.0;

/// What is framed.
pub(super) struct Frame<'a> {
    pub(super) title: &'a str,
    pub(super) x: &'a Axis,
    pub(super) y: &'a Axis,
    /// Where the horizontal axis ends, and how far down it lies.
    pub(super) right: f64,
    pub(super) bottom: f64,
}

impl Frame<'_> {
    /// Draws it; `x_of` and `y_of` give the places of values.
    pub(super) fn draw(
        &self,
        canvas: &mut Canvas<'_>,
        x_of: impl Fn(f64) -> f64,
        y_of: impl Fn(f64) -> f64,
    ) {
        let (right, bottom) = (self.right, self.bottom);
        canvas.bold((0.0, 10.0), self.title, 14.0, Ink::TEXT, Anchor::Start);
        canvas.text((0.0, 29.0), &self.y.title, 11.5, Ink::MUTED, Anchor::Start);
        for (value, label) in &self.y.ticks {
            let y = y_of(*value);
            canvas.line(&[(LEFT, y), (right, y)], Ink::GRID, 1.0, Dash::Solid);
            canvas.text((LEFT - 8.0, y), label, 11.5, Ink::MUTED, Anchor::End);
        }
        let mut free_from = f64::NEG_INFINITY;
        for (value, label) in &self.x.ticks {
            let (x, half) = (x_of(*value), width_of(label, 11.5) / 2.0);
            let tick = [(x, bottom), (x, bottom + 5.0)];
            canvas.line(&tick, Ink::MUTED, 1.0, Dash::Solid);
            if x - half > free_from {
                canvas.text((x, bottom + 16.0), label, 11.5, Ink::MUTED, Anchor::Middle);
                free_from = x + half + 4.0;
            }
        }
        let ground = [(LEFT, bottom), (right, bottom)];
        canvas.line(&ground, Ink::MUTED, 1.0, Dash::Solid);
        let middle = (f64::midpoint(LEFT, right), bottom + 37.0);
        canvas.text(middle, &self.x.title, 11.5, Ink::MUTED, Anchor::Middle);
    }
}
