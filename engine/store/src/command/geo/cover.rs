//! Which cells of the geohash grid a search must look at: the one around its centre and those of the
//! eight neighbours that the searched shape can reach.

use super::point::{Area, Cell, EARTH_RADIUS_M, Point, STEPS_MAX, latitude_distance_m};

/// Half the circumference of the earth in the Mercator projection, in metres: a radius of this size
/// takes one step.
const MERCATOR_MAX_M: f64 = 20_037_726.37;

/// A shape around a centre, in metres.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// All within this distance.
    Circle {
        /// The distance.
        radius_m: f64,
    },
    /// All within half of these to either side.
    Box {
        /// From west to east.
        width_m: f64,
        /// From south to north.
        height_m: f64,
    },
}

impl Shape {
    /// The distance from `centre` to `point` in metres, if the point lies in the shape.
    pub fn reach(self, centre: Point, point: Point) -> Option<f64> {
        match self {
            Shape::Circle { radius_m } => {
                let distance = centre.distance_m(point);
                (distance <= radius_m).then_some(distance)
            }
            Shape::Box { width_m, height_m } => {
                let beside = Point {
                    longitude: centre.longitude,
                    latitude: point.latitude,
                };
                let inside = latitude_distance_m(point.latitude, centre.latitude) <= height_m / 2.0
                    && point.distance_m(beside) <= width_m / 2.0;
                inside.then(|| centre.distance_m(point))
            }
        }
    }

    /// The farthest that the shape reaches from its centre, in metres.
    fn radius_m(self) -> f64 {
        match self {
            Shape::Circle { radius_m } => radius_m,
            Shape::Box { width_m, height_m } => {
                let (x, y) = (width_m / 2.0, height_m / 2.0);
                (x * x + y * y).sqrt()
            }
        }
    }

    /// A rectangle of degrees that holds the shape around `centre`; it may reach over the grid's edges.
    fn bounds(self, centre: Point) -> Area {
        let (x, y) = match self {
            Shape::Circle { radius_m } => (radius_m, radius_m),
            Shape::Box { width_m, height_m } => (width_m / 2.0, height_m / 2.0),
        };
        // The standard library multiplies by the inverse, which rounds otherwise than Redis's quotient.
        let degrees = |radians: f64| radians / 1.0_f64.to_radians();
        let latitude = degrees(y / EARTH_RADIUS_M);
        // Meridians come together towards the poles: the edge nearer to one is the wider.
        let edge = if centre.latitude < 0.0 {
            centre.latitude - latitude
        } else {
            centre.latitude + latitude
        };
        let longitude = degrees(x / EARTH_RADIUS_M / edge.to_radians().cos());
        Area {
            min: Point {
                longitude: centre.longitude - longitude,
                latitude: centre.latitude - latitude,
            },
            max: Point {
                longitude: centre.longitude + longitude,
                latitude: centre.latitude + latitude,
            },
        }
    }
}

/// The cells to look at for `shape` around `centre`, each once, the one in the middle first.
pub fn cells(shape: Shape, centre: Point) -> Vec<Cell> {
    let bounds = shape.bounds(centre);
    let mut middle = centre.cell(steps(shape.radius_m(), centre.latitude));
    if middle.steps > 1 && !reaches(middle, bounds) {
        middle = centre.cell(middle.steps - 1);
    }
    let area = middle.area();
    // A side that the shape does not reach is left out, but not on a grid so coarse that cells wrap.
    let fine = middle.steps >= 2;
    let skip = |east: i32, north: i32| {
        fine && (north < 0 && area.min.latitude < bounds.min.latitude
            || north > 0 && area.max.latitude > bounds.max.latitude
            || east < 0 && area.min.longitude < bounds.min.longitude
            || east > 0 && area.max.longitude > bounds.max.longitude)
    };
    let mut cells = vec![middle];
    for (east, north) in [
        (0, 1),
        (0, -1),
        (1, 0),
        (-1, 0),
        (1, 1),
        (-1, 1),
        (1, -1),
        (-1, -1),
    ] {
        let cell = middle.neighbour(east, north);
        if !skip(east, north) && !cells.contains(&cell) {
            cells.push(cell);
        }
    }
    cells
}

/// How often to halve the axes so that nine cells hold a circle of `radius_m` around most centres.
fn steps(radius_m: f64, latitude: f64) -> u32 {
    if radius_m == 0.0 {
        return STEPS_MAX;
    }
    let mut steps = 1;
    let mut reach = radius_m;
    while reach < MERCATOR_MAX_M && steps < 64 {
        reach *= 2.0;
        steps += 1;
    }
    steps -= 2;
    // Cells are narrower towards the poles.
    if latitude.abs() > 66.0 {
        steps -= 1;
    }
    if latitude.abs() > 80.0 {
        steps -= 1;
    }
    steps.clamp(1, STEPS_MAX as i32) as u32
}

/// Whether the cell and its neighbours hold all of `bounds`.
fn reaches(middle: Cell, bounds: Area) -> bool {
    let edge = |east, north| middle.neighbour(east, north).area();
    edge(0, 1).max.latitude >= bounds.max.latitude
        && edge(0, -1).min.latitude <= bounds.min.latitude
        && edge(1, 0).max.longitude >= bounds.max.longitude
        && edge(-1, 0).min.longitude <= bounds.min.longitude
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn point() -> impl Strategy<Value = Point> {
        (-180.0..180.0, -85.0..85.0).prop_map(|(longitude, latitude)| Point {
            longitude,
            latitude,
        })
    }

    fn shape() -> impl Strategy<Value = Shape> {
        let length = prop_oneof![1.0..1e3, 1e3..1e5, 1e5..1e6];
        prop_oneof![
            length
                .clone()
                .prop_map(|radius_m| Shape::Circle { radius_m }),
            (length.clone(), length)
                .prop_map(|(width_m, height_m)| Shape::Box { width_m, height_m }),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// Away from the poles and the date line, where the grid ends, no place of the shape is
        /// outside the cells.
        #[test]
        fn the_cells_hold_the_shape(
            centre in (-150.0..150.0, -60.0..60.0),
            shape in shape(),
            offsets in prop::collection::vec((-1.0..1.0, -1.0..1.0), 50),
        ) {
            let centre = Point { longitude: centre.0, latitude: centre.1 };
            let cells = cells(shape, centre);
            prop_assert!(cells.len() <= 9);
            let bounds = shape.bounds(centre);
            for (x, y) in offsets {
                let point = Point {
                    longitude: centre.longitude + x * (bounds.max.longitude - centre.longitude),
                    latitude: centre.latitude + y * (bounds.max.latitude - centre.latitude),
                };
                if shape.reach(centre, point).is_some() {
                    let held = cells.iter().any(|cell| point.cell(cell.steps) == *cell);
                    prop_assert!(held, "{point:?} is in no cell of {cells:?}");
                }
            }
        }

        #[test]
        fn the_cells_are_different(centre in point(), shape in shape()) {
            let cells = cells(shape, centre);
            for (i, cell) in cells.iter().enumerate() {
                prop_assert!(!cells[..i].contains(cell), "{cells:?}");
                prop_assert_eq!(cell.steps, cells[0].steps);
            }
            prop_assert_eq!(cells[0], centre.cell(cells[0].steps));
        }
    }
}
