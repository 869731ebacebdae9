//! The canvas: `plotters`' SVG backend in logical pixels, with colours by role and tooltips.
//!
//! The backend knows whole pixels only, so everything is drawn four times as large and shown through
//! a view box. Roles (text, muted, grid, paper) are fixed colours that the page's style sheet maps to
//! the light or dark scheme.

use std::fmt::Write as _;

use plotters::coord::Shift;
use plotters::element::{DashedPathElement, Drawable, PointCollection};
use plotters::prelude::{
    Circle, DrawingArea, IntoDrawingArea as _, IntoFont as _, PathElement, Polygon, RGBColor,
    Rectangle, SVGBackend, ShapeStyle,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color as _, FontStyle, TextStyle};

use super::palette::{Dash, Look, Mark};

/// Drawn pixels per logical pixel.
const SCALE: f64 = 4.0;

/// How much larger than drawn a plot may be shown, so that its text is as large as the page's.
const SHOWN: f64 = 1.3;

/// The backend divides font sizes by this.
const FONT_FACTOR: f64 = 1.24;

/// A colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ink(pub u8, pub u8, pub u8);

impl Ink {
    /// Text and what must be as strong.
    pub const TEXT: Self = Self(0x1A, 0x1A, 0x1B);
    /// Text that explains.
    pub const MUTED: Self = Self(0x5C, 0x5C, 0x5D);
    /// Grid lines.
    pub const GRID: Self = Self(0xDD, 0xDD, 0xDE);
    /// The page itself.
    pub const PAPER: Self = Self(0xFE, 0xFE, 0xFE);
}

/// Where a text stands relative to its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// To the right of it.
    Start,
    /// Centred on it.
    Middle,
    /// To the left of it.
    End,
}

/// A plot being drawn.
pub struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
    tips: String,
}

/// Draws a plot of `width` × `height` logical pixels; `name` tells it to those who cannot see it.
pub fn svg(width: f64, height: f64, name: &str, draw: impl FnOnce(&mut Canvas<'_>)) -> String {
    let mut drawn = String::new();
    let size = ((width * SCALE) as u32, (height * SCALE) as u32);
    let tips = {
        let area = SVGBackend::with_string(&mut drawn, size).into_drawing_area();
        let mut canvas = Canvas {
            area,
            tips: String::new(),
        };
        draw(&mut canvas);
        canvas
            .area
            .present()
            .expect("drawing to a string cannot fail");
        canvas.tips
    };
    // Between the backend's own opening and closing tags.
    let body = drawn
        .split_once('>')
        .and_then(|(_, rest)| rest.rsplit_once("</svg>"));
    let body = body.map_or("", |(body, _)| body).trim();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" \
         style=\"max-width:{}px\" role=\"img\" aria-label=\"{}\">\n{body}\n{tips}</svg>",
        size.0,
        size.1,
        width * SHOWN,
        escaped(name),
    )
}

impl<'a> Canvas<'a> {
    /// A line through `points`.
    pub fn line(&mut self, points: &[(f64, f64)], ink: Ink, width: f64, dash: Dash) {
        let path: Vec<(i32, i32)> = points.iter().map(|point| drawn(*point)).collect();
        let style = stroke(ink, width);
        let (size, spacing) = match dash {
            Dash::Solid => return self.draw(&PathElement::new(path, style)),
            Dash::Dashed => (7.0 * SCALE, 4.0 * SCALE),
            Dash::Dotted => (2.0 * SCALE, 3.0 * SCALE),
        };
        self.draw(&DashedPathElement::new(
            path,
            size as i32,
            spacing as i32,
            style,
        ));
    }

    /// A filled rectangle.
    pub fn rectangle(&mut self, from: (f64, f64), to: (f64, f64), ink: Ink, opacity: f64) {
        let style = ink.plotters().mix(opacity).filled();
        self.draw(&Rectangle::new([drawn(from), drawn(to)], style));
    }

    /// A filled shape.
    pub fn area(&mut self, points: &[(f64, f64)], ink: Ink, opacity: f64) {
        let points: Vec<(i32, i32)> = points.iter().map(|point| drawn(*point)).collect();
        self.draw(&Polygon::new(points, ink.plotters().mix(opacity)));
    }

    /// A mark of about `radius` logical pixels.
    pub fn mark(&mut self, at: (f64, f64), look: Look, radius: f64, opacity: f64) {
        let (x, y) = at;
        let filled = look.ink.plotters().mix(opacity).filled();
        let polygon = |corners: &[(f64, f64)]| {
            let corner = |(dx, dy): &(f64, f64)| drawn((x + dx * radius, y + dy * radius));
            Polygon::new(corners.iter().map(corner).collect::<Vec<_>>(), filled)
        };
        let pixels = (radius * SCALE) as i32;
        match look.mark {
            Mark::Disc => self.draw(&Circle::new(drawn(at), pixels, filled)),
            Mark::Ring => {
                self.draw(&Circle::new(
                    drawn(at),
                    pixels,
                    Ink::PAPER.plotters().filled(),
                ));
                let style = ShapeStyle {
                    filled: false,
                    ..stroke(look.ink, 1.8)
                };
                self.draw(&Circle::new(drawn(at), pixels, style));
            }
            Mark::Square => {
                let square = [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)];
                self.draw(&polygon(&square));
            }
            Mark::Triangle => self.draw(&polygon(&[(0.0, -1.2), (1.1, 0.8), (-1.1, 0.8)])),
            Mark::Diamond => {
                self.draw(&polygon(&[
                    (0.0, -1.25),
                    (1.25, 0.0),
                    (0.0, 1.25),
                    (-1.25, 0.0),
                ]));
            }
            Mark::Bare => {}
        }
    }

    /// A text of `size` logical pixels beside `at`, centred on its height.
    pub fn text(&mut self, at: (f64, f64), text: &str, size: f64, ink: Ink, anchor: Anchor) {
        self.write(at, text, size, ink, anchor, FontStyle::Normal);
    }

    /// The same in bold.
    pub fn bold(&mut self, at: (f64, f64), text: &str, size: f64, ink: Ink, anchor: Anchor) {
        self.write(at, text, size, ink, anchor, FontStyle::Bold);
    }

    /// Shows `text` where the reader points within `radius` of `at`.
    pub fn tip(&mut self, at: (f64, f64), radius: f64, text: &str) {
        let (x, y) = drawn(at);
        let radius = (radius * SCALE) as i32;
        // Writing to a string cannot fail.
        let _ = writeln!(
            self.tips,
            "<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" class=\"tip\"><title>{}</title></circle>",
            escaped(text)
        );
    }

    /// Shows `text` where the reader points into a rectangle.
    pub fn tip_over(&mut self, from: (f64, f64), to: (f64, f64), text: &str) {
        let ((x, y), (right, bottom)) = (drawn(from), drawn(to));
        let _ = writeln!(
            self.tips,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" class=\"tip\"><title>{}</title></rect>",
            (right - x).max(1),
            (bottom - y).max(1),
            escaped(text)
        );
    }

    fn write(
        &mut self,
        at: (f64, f64),
        text: &str,
        size: f64,
        ink: Ink,
        anchor: Anchor,
        style: FontStyle,
    ) {
        let position = match anchor {
            Anchor::Start => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::End => HPos::Right,
        };
        let font = ("sans-serif", size * SCALE * FONT_FACTOR)
            .into_font()
            .style(style);
        let colour = ink.plotters();
        let style = TextStyle::from(font)
            .color(&colour)
            .pos(Pos::new(position, VPos::Center));
        self.area
            .draw_text(text, &style, drawn(at))
            .expect("drawing to a string cannot fail");
    }

    fn draw<E>(&mut self, element: &E)
    where
        for<'b> &'b E: PointCollection<'b, (i32, i32)>,
        E: Drawable<SVGBackend<'a>>,
    {
        self.area
            .draw(element)
            .expect("drawing to a string cannot fail");
    }
}

impl Ink {
    fn plotters(self) -> RGBColor {
        RGBColor(self.0, self.1, self.2)
    }
}

/// `text`, at most `characters` long.
pub fn shortened(text: &str, characters: usize) -> String {
    if text.chars().count() <= characters {
        return text.into();
    }
    let mut short: String = text.chars().take(characters.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// About how wide `text` is, in logical pixels: no font is at hand to ask.
pub fn width_of(text: &str, size: f64) -> f64 {
    text.chars().count() as f64 * size * 0.62
}

fn stroke(ink: Ink, width: f64) -> ShapeStyle {
    ink.plotters().stroke_width((width * SCALE) as u32)
}

fn drawn((x, y): (f64, f64)) -> (i32, i32) {
    ((x * SCALE).round() as i32, (y * SCALE).round() as i32)
}

/// Text that is no markup, and has only characters that XML allows.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push('\n'),
            character if character.is_control() => out.push('\u{fffd}'),
            character => out.push(character),
        }
    }
    out
}
