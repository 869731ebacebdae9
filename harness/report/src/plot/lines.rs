//! Curves, each with its name at its end: no legend to look up, nothing over the data.

use super::axis::Axis;
use super::canvas::{Anchor, Canvas, Ink, shortened, svg, width_of};
use super::frame::{Frame, LEFT, TOP};
use super::palette::{Dash, Look};

/// A plot of curves.
#[derive(Clone, Debug)]
pub struct Lines {
    /// What it shows.
    pub title: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// The curves.
    pub curves: Vec<Curve>,
    /// Parts of the horizontal axis that are shaded, from and to.
    pub bands: Vec<(f64, f64)>,
}

/// A curve.
#[derive(Clone, Debug)]
pub struct Curve {
    /// Its name, written at its end.
    pub name: String,
    /// How it looks.
    pub look: Look,
    /// Its points and what each says when pointed at, in order of x.
    pub points: Vec<Point>,
    /// Whether the points carry marks.
    pub marked: bool,
    /// Whether the ground beneath is shaded: nothing can lie there.
    pub floor: bool,
}

/// A point of a curve.
#[derive(Clone, Debug)]
pub struct Point {
    /// Along the horizontal axis.
    pub x: f64,
    /// Along the vertical axis.
    pub y: f64,
    /// What it says when pointed at.
    pub tip: String,
}

const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 350.0;
const BOTTOM: f64 = 298.0;
/// The least distance between names.
const NAME_STEP: f64 = 16.0;
/// Names longer than this would leave the picture.
const NAME_CHARACTERS: usize = 32;
/// From the end of the axis to the end of a name's line.
const NAME_LEAD: f64 = 50.0;

impl Lines {
    /// The plot as an SVG element.
    pub fn svg(&self) -> String {
        // Many curves need room for their names.
        let bottom = BOTTOM.max(TOP + NAME_STEP * self.curves.len() as f64);
        svg(WIDTH, HEIGHT + bottom - BOTTOM, &self.title, |canvas| {
            self.draw(canvas, bottom);
        })
    }

    fn draw(&self, canvas: &mut Canvas<'_>, bottom: f64) {
        let names = self
            .curves
            .iter()
            .map(|curve| shortened(&curve.name, NAME_CHARACTERS));
        let name_width = names.map(|name| width_of(&name, 12.0)).fold(60.0, f64::max);
        let right = WIDTH - NAME_LEAD - name_width - 6.0;
        let x_of = |value| LEFT + self.x.position(value) * (right - LEFT);
        let y_of = |value| bottom - self.y.position(value) * (bottom - TOP);
        for (from, to) in &self.bands {
            // One that is shorter than a pixel is there all the same.
            let (from, to) = (x_of(*from), x_of(*to).max(x_of(*from) + 1.0).min(right));
            canvas.rectangle((from, TOP), (to, bottom), Ink::MUTED, 0.18);
        }
        let frame = Frame {
            title: &self.title,
            x: &self.x,
            y: &self.y,
            right,
            bottom,
        };
        frame.draw(canvas, x_of, y_of);

        for curve in self.curves.iter().filter(|curve| curve.floor) {
            let mut ground: Vec<(f64, f64)> = curve
                .points
                .iter()
                .map(|point| (x_of(point.x), y_of(point.y)))
                .collect();
            if let (Some(first), Some(last)) = (ground.first().copied(), ground.last().copied()) {
                ground.extend([(last.0, bottom), (first.0, bottom)]);
                canvas.area(&ground, Ink::MUTED, 0.09);
            }
        }
        for curve in &self.curves {
            let path: Vec<(f64, f64)> = curve
                .points
                .iter()
                .map(|point| (x_of(point.x), y_of(point.y)))
                .collect();
            canvas.line(&path, curve.look.ink, 2.0, curve.look.dash);
            for (at, point) in path.iter().zip(&curve.points) {
                if curve.marked {
                    canvas.mark(*at, curve.look, 4.0, 1.0);
                }
                canvas.tip(*at, 7.0, &point.tip);
            }
        }
        self.names(canvas, (right, bottom), y_of, x_of);
    }

    /// Writes the names to the right, in the order of the curves' ends, led to these by thin lines.
    fn names(
        &self,
        canvas: &mut Canvas<'_>,
        (right, bottom): (f64, f64),
        y_of: impl Fn(f64) -> f64,
        x_of: impl Fn(f64) -> f64,
    ) {
        let end = |curve: &Curve| {
            let last = curve.points.last()?;
            Some((x_of(last.x), y_of(last.y)))
        };
        let mut ends: Vec<(&Curve, (f64, f64))> = self
            .curves
            .iter()
            .filter_map(|curve| Some((curve, end(curve)?)))
            .collect();
        ends.sort_by(|(_, a), (_, b)| a.1.total_cmp(&b.1));
        let wanted: Vec<f64> = ends.iter().map(|(_, at)| at.1).collect();
        for ((curve, at), y) in ends.iter().zip(spread(&wanted, NAME_STEP, (TOP, bottom))) {
            let x = right + 26.0;
            let lead = [(at.0 + 6.0, at.1), (right + 8.0, at.1), (x - 4.0, y)];
            canvas.line(&lead, Ink::GRID, 1.0, Dash::Solid);
            canvas.line(
                &[(x, y), (x + 18.0, y)],
                curve.look.ink,
                2.0,
                curve.look.dash,
            );
            if curve.marked {
                canvas.mark((x + 9.0, y), curve.look, 4.0, 1.0);
            }
            let name = shortened(&curve.name, NAME_CHARACTERS);
            canvas.text((x + 24.0, y), &name, 12.0, Ink::TEXT, Anchor::Start);
            canvas.tip_over((x, y - 7.0), (WIDTH, y + 7.0), &curve.name);
        }
    }
}

/// Heights near `wanted` (in order), at least `step` apart and within `top` to `bottom` where there is room.
pub(super) fn spread(wanted: &[f64], step: f64, (top, bottom): (f64, f64)) -> Vec<f64> {
    let mut heights = Vec::with_capacity(wanted.len());
    let mut free = top;
    for height in wanted {
        let height = height.max(free);
        heights.push(height);
        free = height + step;
    }
    let mut free = bottom;
    for height in heights.iter_mut().rev() {
        *height = height.min(free).max(top);
        free = *height - step;
    }
    heights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_overlap() {
        for wanted in [
            vec![50.0; 12],
            vec![290.0, 291.0, 300.0],
            vec![46.0, 170.0, 298.0],
        ] {
            let heights = spread(&wanted, NAME_STEP, (TOP, BOTTOM));
            for pair in heights.windows(2) {
                assert!(pair[1] - pair[0] >= NAME_STEP - 1e-9, "{heights:?}");
            }
            assert!(
                heights.iter().all(|height| (TOP..=BOTTOM).contains(height)),
                "{heights:?}"
            );
        }
    }
}
