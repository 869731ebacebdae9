//! Real places with their populations, and positions on the Earth.
//!
//! The places are the repository's own `data/places.tsv.zst` (`GeoNames`, CC BY 4.0; see the README
//! beside it), part of the program. Distances are along great circles on a sphere, and in the crate's own
//! words: what a store says is checked against them, so they may not be the store's.

use std::sync::LazyLock;

/// A place where people live.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// Its number at `GeoNames`.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// ISO 3166 code of its country.
    pub country: String,
    /// Where it is.
    pub position: Position,
    /// How many people live there.
    pub population: u64,
}

/// All places, most people first.
pub fn places() -> &'static [Place] {
    static PLACES: LazyLock<Vec<Place>> = LazyLock::new(|| {
        let packed = include_bytes!("../data/places.tsv.zst");
        let bytes = zstd::decode_all(&packed[..]).expect("the file in this program is whole");
        let text = String::from_utf8(bytes).expect("the file in this program is UTF-8");
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines
            .map(|line| parse(line).unwrap_or_else(|| panic!("`{line}` is no place")))
            .collect()
    });
    &PLACES
}

fn parse(line: &str) -> Option<Place> {
    let mut fields = line.split('\t');
    let mut field = || fields.next();
    Some(Place {
        id: field()?.parse().ok()?,
        name: field()?.to_owned(),
        country: field()?.to_owned(),
        position: {
            let latitude = field()?.parse().ok()?;
            let longitude = field()?.parse().ok()?;
            Position::new(longitude, latitude)?
        },
        population: field()?.parse().ok()?,
    })
}

/// A position, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    /// East of Greenwich, -180 to 180.
    pub longitude: f64,
    /// North of the equator, within [`Position::LATITUDE_MAX`].
    pub latitude: f64,
}

impl Position {
    /// The furthest from the equator that a geohash reaches in Redis (the Web Mercator square,
    /// EPSG:3857).
    pub const LATITUDE_MAX: f64 = 85.051_128_78;
    /// The Earth's radius in metres that Redis takes (`geohash_helper.c`).
    pub const EARTH_RADIUS_M: f64 = 6_372_797.560_856;

    /// A position; `None` where it is not within bounds.
    pub fn new(longitude: f64, latitude: f64) -> Option<Position> {
        let inside = (-180.0..=180.0).contains(&longitude)
            && (-Position::LATITUDE_MAX..=Position::LATITUDE_MAX).contains(&latitude);
        inside.then_some(Position {
            longitude,
            latitude,
        })
    }

    /// The great-circle distance in metres, by the haversine formula.
    pub fn distance_m(self, other: Position) -> f64 {
        let half_chord = |degrees: f64| {
            let sine = libm::sin(degrees.to_radians() / 2.0);
            sine * sine
        };
        let cosines =
            libm::cos(self.latitude.to_radians()) * libm::cos(other.latitude.to_radians());
        let a = half_chord(other.latitude - self.latitude)
            + cosines * half_chord(other.longitude - self.longitude);
        2.0 * Position::EARTH_RADIUS_M * libm::asin(libm::sqrt(a.min(1.0)))
    }

    /// The point of the unit sphere.
    pub fn unit(self) -> [f64; 3] {
        let (longitude, latitude) = (self.longitude.to_radians(), self.latitude.to_radians());
        let level = libm::cos(latitude);
        [
            level * libm::cos(longitude),
            level * libm::sin(longitude),
            libm::sin(latitude),
        ]
    }

    /// How far north (or south) `other` is, in metres.
    pub fn northing_m(self, other: Position) -> f64 {
        Position::EARTH_RADIUS_M * (other.latitude - self.latitude).abs().to_radians()
    }

    /// How far east (or west) `other` is, in metres, measured at its own latitude as Redis does for a
    /// box.
    pub fn easting_m(self, other: Position) -> f64 {
        let level = Position {
            latitude: other.latitude,
            ..self
        };
        level.distance_m(other)
    }

    /// Where one comes by going `metres` towards `bearing` (radians, north 0, east π/2): exact enough for
    /// steps of a few kilometres, held within bounds beyond them.
    #[must_use]
    pub fn step(self, metres: f64, bearing: f64) -> Position {
        let angle = (metres / Position::EARTH_RADIUS_M).to_degrees();
        let latitude = self.latitude + angle * libm::cos(bearing);
        let shrink = libm::cos(self.latitude.to_radians());
        let longitude = self.longitude + angle * libm::sin(bearing) / shrink;
        let around = longitude - 360.0 * ((longitude + 180.0) / 360.0).floor();
        Position {
            longitude: around,
            latitude: latitude.clamp(-Position::LATITUDE_MAX, Position::LATITUDE_MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_places_are_whole_and_in_order() {
        let places = places();
        assert_eq!(places.len(), 25_000);
        assert_eq!(
            (&places[0].name[..], &places[0].country[..]),
            ("Shanghai", "CN")
        );
        assert!(
            places
                .windows(2)
                .all(|pair| pair[0].population >= pair[1].population)
        );
        assert!(places[24_999].population > 0);
    }

    #[test]
    fn distances_are_the_known_ones() {
        // Palermo to Catania is GEODIST's example in the documentation of Redis.
        let palermo = Position::new(13.361_389, 38.115_556).unwrap();
        let catania = Position::new(15.087_269, 37.502_669).unwrap();
        assert!((palermo.distance_m(catania) - 166_274.151_6).abs() < 1.0);
        // A degree of latitude.
        let north = Position::new(13.361_389, 39.115_556).unwrap();
        assert!((palermo.distance_m(north) - palermo.northing_m(north)).abs() < 1e-3);
    }

    #[test]
    fn a_step_goes_as_far_as_it_says() {
        for place in places().iter().step_by(100) {
            for bearing in [0.0, 1.0, 2.5, 4.0, 6.0] {
                let there = place.position.step(2000.0, bearing);
                let error = (place.position.distance_m(there) - 2000.0).abs();
                assert!(error < 5.0, "{} {bearing}: {error}", place.name);
            }
        }
        let east = Position::new(179.999, 10.0)
            .unwrap()
            .step(1000.0, std::f64::consts::FRAC_PI_2);
        assert!(east.longitude < -179.9, "{east:?}");
    }
}
