//! Points: one thing a point, what it costs against what it takes, and the front of those that nothing beats in both.
//!
//! Less is better on both axes. Names stand to the right and are led to their points, so that points in one place can
//! be told apart.

use super::axis::Axis;
use super::canvas::{Anchor, Canvas, Ink, shortened, svg, width_of};
use super::frame::{Frame, LEFT, TOP};
use super::lines::spread;
use super::palette::{Dash, Look};
use crate::stats::Interval;

/// A plot of points.
#[derive(Clone, Debug)]
pub struct Points {
    /// What it shows.
    pub title: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// The points.
    pub points: Vec<Mark>,
}

/// A point.
#[derive(Clone, Debug)]
pub struct Mark {
    /// Its name.
    pub name: String,
    /// How it looks.
    pub look: Look,
    /// Along the horizontal axis.
    pub x: f64,
    /// Along the vertical axis.
    pub y: f64,
    /// The interval of `y`.
    pub interval: Interval,
    /// What it says when pointed at.
    pub tip: String,
}

const WIDTH: f64 = 800.0;
const BOTTOM: f64 = 298.0;
const NAME_STEP: f64 = 18.0;
const NAME_CHARACTERS: usize = 34;
const TEXT: f64 = 12.0;

/// The points that no other equals or beats on both axes and beats on one, by x and then y.
pub fn front(points: &[(f64, f64)]) -> Vec<usize> {
    let beats = |a: (f64, f64), b: (f64, f64)| a.0 <= b.0 && a.1 <= b.1 && a != b;
    let is_finite = |point: (f64, f64)| point.0.is_finite() && point.1.is_finite();
    let mut front: Vec<usize> = (0..points.len())
        .filter(|&index| is_finite(points[index]))
        .filter(|&index| !points.iter().any(|other| beats(*other, points[index])))
        .collect();
    front.sort_by(|&a, &b| {
        let (a, b) = (points[a], points[b]);
        a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
    });
    front
}

impl Points {
    /// The plot as an SVG element.
    pub fn svg(&self) -> String {
        let bottom = BOTTOM.max(TOP + NAME_STEP * self.points.len() as f64);
        svg(WIDTH, bottom + 52.0, &self.title, |canvas| {
            self.draw(canvas, bottom);
        })
    }

    fn draw(&self, canvas: &mut Canvas<'_>, bottom: f64) {
        let names = self
            .points
            .iter()
            .map(|mark| shortened(&mark.name, NAME_CHARACTERS));
        let name_width = names.map(|name| width_of(&name, TEXT)).fold(60.0, f64::max);
        let right = WIDTH - 56.0 - name_width;
        // A margin, so that no point lies on an axis.
        let x_of = |value| LEFT + 14.0 + self.x.position(value) * (right - LEFT - 28.0);
        let y_of = |value| bottom - 10.0 - self.y.position(value) * (bottom - TOP - 20.0);
        let frame = Frame {
            title: &self.title,
            x: &self.x,
            y: &self.y,
            right,
            bottom,
        };
        frame.draw(canvas, x_of, y_of);

        let places: Vec<(f64, f64)> = self.points.iter().map(|mark| (mark.x, mark.y)).collect();
        let front = front(&places);
        let mut stairs: Vec<(f64, f64)> = Vec::new();
        for &index in &front {
            let at = (x_of(places[index].0), y_of(places[index].1));
            if let Some(&(_, before)) = stairs.last() {
                stairs.push((at.0, before));
            }
            stairs.push(at);
        }
        if let Some(&(_, last)) = stairs.last() {
            stairs.push((right, last));
        }
        canvas.line(&stairs, Ink::MUTED, 1.5, Dash::Dashed);
        for mark in self.points.iter().filter(|mark| mark.y.is_finite()) {
            let (x, y) = (x_of(mark.x), y_of(mark.y));
            let ends = [mark.interval.low, mark.interval.high].map(&y_of);
            canvas.line(
                &[(x, ends[0]), (x, ends[1])],
                mark.look.ink,
                1.25,
                Dash::Solid,
            );
            canvas.mark((x, y), mark.look, 6.0, 1.0);
            canvas.tip((x, y), 9.0, &mark.tip);
        }
        self.names(canvas, &front, (right, bottom), &x_of, &y_of);
    }

    /// Writes the names to the right, those of the front in bold.
    fn names(
        &self,
        canvas: &mut Canvas<'_>,
        front: &[usize],
        (right, bottom): (f64, f64),
        x_of: &impl Fn(f64) -> f64,
        y_of: &impl Fn(f64) -> f64,
    ) {
        let mut order: Vec<usize> = (0..self.points.len())
            .filter(|&index| self.points[index].y.is_finite())
            .collect();
        order.sort_by(|&a, &b| self.points[b].y.total_cmp(&self.points[a].y));
        let wanted: Vec<f64> = order
            .iter()
            .map(|&index| y_of(self.points[index].y))
            .collect();
        let heights = spread(&wanted, NAME_STEP, (TOP, bottom));
        for (&index, y) in order.iter().zip(heights) {
            let mark = &self.points[index];
            let at = (x_of(mark.x) + 8.0, y_of(mark.y));
            let x = right + 26.0;
            canvas.line(
                &[at, (right + 8.0, at.1), (x - 4.0, y)],
                Ink::GRID,
                1.0,
                Dash::Solid,
            );
            canvas.mark((x + 5.0, y), mark.look, 4.5, 1.0);
            let name = shortened(&mark.name, NAME_CHARACTERS);
            if front.contains(&index) {
                canvas.bold((x + 16.0, y), &name, TEXT, Ink::TEXT, Anchor::Start);
            } else {
                canvas.text((x + 16.0, y), &name, TEXT, Ink::MUTED, Anchor::Start);
            }
            canvas.tip_over((x, y - 8.0), (WIDTH, y + 8.0), &mark.tip);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_front_is_what_nothing_beats() {
        let points = [
            (3.0, 0.0),
            (1.0, 9.0),
            (3.0, 5.0),
            (2.0, 4.0),
            (2.0, 4.0),
            (f64::NAN, 0.0),
        ];
        assert_eq!(front(&points), [1, 3, 4, 0]);
        assert_eq!(front(&[]), [0; 0]);
    }
}
