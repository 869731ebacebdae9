//! Coordinates, geohashes and distances, with Redis's constants.
//!
//! A geohash halves the longitudes and the latitudes in turn: its bits are the two positions in the
//! grid, interleaved, latitude in the even bits (G. Niemeyer, geohash.org, 2008). Distances are
//! haversine on a sphere of [`EARTH_RADIUS_M`]. Sines are the system's, and every product and quotient is
//! taken in Redis's order, so that distances are its own to the last bit where both run on one C library.
//! Between machines whose libraries round otherwise they differ in the last bit, as Redis's do.

use crate::command::{CommandError, number};

/// The radius of the earth that Redis takes: the quadratic mean of WGS 84.
pub const EARTH_RADIUS_M: f64 = 6_372_797.560_856;
/// The largest longitude, in degrees.
pub const LONGITUDE_MAX: f64 = 180.0;
/// The largest latitude of the grid, in degrees: where the Web Mercator square ends (EPSG:3857).
pub const LATITUDE_MAX: f64 = 85.051_128_78;
/// The most halvings of either axis.
pub const STEPS_MAX: u32 = 26;

/// A place on the earth, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// East of Greenwich, -180 to 180.
    pub longitude: f64,
    /// North of the equator, -85.05112878 to 85.05112878.
    pub latitude: f64,
}

/// A cell of the grid: `steps` halvings of either axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The interleaved bits, `2 * steps` of them.
    pub bits: u64,
    /// How often each axis was halved, 1 to [`STEPS_MAX`].
    pub steps: u32,
}

/// The rectangle of a cell, in degrees.
#[derive(Clone, Copy, Debug)]
pub struct Area {
    /// The south-west corner.
    pub min: Point,
    /// The north-east corner.
    pub max: Point,
}

impl Point {
    /// Reads a longitude and a latitude.
    ///
    /// # Errors
    /// One is not a number or out of the grid.
    pub fn parse(longitude: &[u8], latitude: &[u8]) -> Result<Point, CommandError> {
        let point = Point {
            longitude: number::float(longitude)?,
            latitude: number::float(latitude)?,
        };
        let inside = point.longitude.abs() <= LONGITUDE_MAX && point.latitude.abs() <= LATITUDE_MAX;
        inside.then_some(point).ok_or_else(|| {
            CommandError::new(format!(
                "ERR invalid longitude,latitude pair {:.6},{:.6}",
                point.longitude, point.latitude
            ))
        })
    }

    /// The cell of `steps` halvings that the point lies in, on a grid that ends at `latitude_max`.
    pub fn cell_on(self, latitude_max: f64, steps: u32) -> Cell {
        let scale = (1_u64 << steps) as f64;
        let place = |x: f64, max: f64| ((x + max) / (max - -max) * scale) as u32;
        let longitude = place(self.longitude, LONGITUDE_MAX);
        let latitude = place(self.latitude, latitude_max);
        Cell {
            bits: spread(latitude) | spread(longitude) << 1,
            steps,
        }
    }

    /// The cell of `steps` halvings that the point lies in.
    pub fn cell(self, steps: u32) -> Cell {
        self.cell_on(LATITUDE_MAX, steps)
    }

    /// The score that stands for the point in a sorted set: an integer of 52 bits.
    pub fn score(self) -> u64 {
        self.cell(STEPS_MAX).bits
    }

    /// The point that a score stands for: the middle of its cell.
    pub fn from_score(score: f64) -> Point {
        let area = Cell {
            bits: score_bits(score),
            steps: STEPS_MAX,
        }
        .area();
        let middle = |a: f64, b: f64, max: f64| f64::midpoint(a, b).clamp(-max, max);
        Point {
            longitude: middle(area.min.longitude, area.max.longitude, LONGITUDE_MAX),
            latitude: middle(area.min.latitude, area.max.latitude, LATITUDE_MAX),
        }
    }

    /// The distance to another point, in metres.
    pub fn distance_m(self, other: Point) -> f64 {
        let half = |a: f64, b: f64| ((b.to_radians() - a.to_radians()) / 2.0).sin();
        let v = half(self.longitude, other.longitude);
        if v == 0.0 {
            return latitude_distance_m(self.latitude, other.latitude);
        }
        let u = half(self.latitude, other.latitude);
        let cosines = self.latitude.to_radians().cos() * other.latitude.to_radians().cos();
        // Rounding may take the sine of opposite points over one.
        2.0 * EARTH_RADIUS_M * (u * u + cosines * v * v).sqrt().min(1.0).asin()
    }
}

/// A score as the integer that it is. Scores that `GEOADD` did not make may be negative, huge or
/// broken; where C leaves them undefined, this is what Redis gives on x86-64.
fn score_bits(score: f64) -> u64 {
    const HALF: f64 = (1_u64 << 63) as f64;
    let signed = |x: f64| if (-HALF..HALF).contains(&x) { x as i64 } else { i64::MIN } as u64;
    if score < HALF {
        signed(score)
    } else {
        signed(score - HALF) ^ 1 << 63
    }
}

/// The distance between two latitudes on one meridian, in metres.
pub fn latitude_distance_m(a: f64, b: f64) -> f64 {
    EARTH_RADIUS_M * (b.to_radians() - a.to_radians()).abs()
}

impl Cell {
    /// Its rectangle.
    pub fn area(self) -> Area {
        let scale = (1_u64 << self.steps) as f64;
        let edge = |i: u32, max: f64| -max + (f64::from(i) / scale) * (max - -max);
        let (latitude, longitude) = (gather(self.bits), gather(self.bits >> 1));
        let corner = |step: u32| Point {
            longitude: edge(longitude.wrapping_add(step), LONGITUDE_MAX),
            latitude: edge(latitude.wrapping_add(step), LATITUDE_MAX),
        };
        Area {
            min: corner(0),
            max: corner(1),
        }
    }

    /// The cell `east` and `north` of this one, around the edges of the grid.
    #[must_use]
    pub fn neighbour(self, east: i32, north: i32) -> Cell {
        let mask = (1_u32 << self.steps) - 1;
        // A point at the very end of an axis lies in a cell one beyond the grid, which an axis that is not
        // moved along keeps.
        let moved = |i: u32, by: i32| match by {
            0 => i,
            _ => i.wrapping_add_signed(by) & mask,
        };
        let latitude = moved(gather(self.bits), north);
        let longitude = moved(gather(self.bits >> 1), east);
        Cell {
            bits: spread(latitude) | spread(longitude) << 1,
            steps: self.steps,
        }
    }

    /// The scores of the points in the cell: from the first up to, and without, the second.
    pub fn scores(self) -> (u64, u64) {
        let shift = 2 * (STEPS_MAX - self.steps);
        (self.bits << shift, (self.bits + 1) << shift)
    }
}

/// The bits of `x` in the even places.
fn spread(x: u32) -> u64 {
    let masks = [
        (16, 0x0000_ffff_0000_ffff),
        (8, 0x00ff_00ff_00ff_00ff),
        (4, 0x0f0f_0f0f_0f0f_0f0f),
        (2, 0x3333_3333_3333_3333),
        (1, 0x5555_5555_5555_5555),
    ];
    masks
        .iter()
        .fold(u64::from(x), |x, &(shift, mask)| (x | x << shift) & mask)
}

/// The bits in the even places of `x`.
fn gather(x: u64) -> u32 {
    let masks = [
        (1, 0x3333_3333_3333_3333),
        (2, 0x0f0f_0f0f_0f0f_0f0f),
        (4, 0x00ff_00ff_00ff_00ff),
        (8, 0x0000_ffff_0000_ffff),
        (16, 0x0000_0000_ffff_ffff),
    ];
    masks
        .iter()
        .fold(x & 0x5555_5555_5555_5555, |x: u64, &(shift, mask)| {
            (x | x >> shift) & mask
        }) as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PALERMO: Point = Point {
        longitude: 13.361_389,
        latitude: 38.115_556,
    };

    #[test]
    fn scores_as_the_redis_documentation_shows() {
        assert_eq!(PALERMO.score(), 3_479_099_956_230_698);
        let back = Point::from_score(3_479_099_956_230_698.0);
        assert_eq!(back.longitude, 13.361_389_338_970_184);
        assert_eq!(back.latitude, 38.115_556_395_496_3);
    }

    proptest! {
        #[test]
        fn spreading_is_undone(x: u32, y: u32) {
            let bits = spread(x) | spread(y) << 1;
            prop_assert_eq!((gather(bits), gather(bits >> 1)), (x, y));
        }

        #[test]
        fn a_point_lies_in_its_cell(longitude in -180.0..180.0, latitude in -85.0..85.0, steps in 1..=26_u32) {
            let point = Point { longitude, latitude };
            let cell = point.cell(steps);
            let area = cell.area();
            prop_assert!(area.min.longitude <= longitude && longitude <= area.max.longitude);
            prop_assert!(area.min.latitude <= latitude && latitude <= area.max.latitude);
            let (first, end) = cell.scores();
            prop_assert!((first..end).contains(&point.score()));
            prop_assert_eq!(cell.neighbour(1, -1).neighbour(-1, 1), cell);
        }
    }
}
