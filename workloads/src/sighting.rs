//! A look around and what it shows: the query's text, the reply's reading, and what can be said of both
//! without knowing any courier.

use seawall_store::command::geo;
use seawall_store::{Op, Reply};

use crate::places::Position;

/// A courier as a search shows it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sighting {
    pub(crate) courier: u64,
    pub(crate) distance_m: f64,
    pub(crate) position: Position,
}

/// What is searched.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shape {
    Circle { radius_m: f64 },
    Box { width_m: f64, height_m: f64 },
}

/// A search for the nearest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Query {
    pub(crate) area: u64,
    pub(crate) centre: Position,
    pub(crate) shape: Shape,
    pub(crate) count: u64,
}

impl Query {
    /// How far a place may lie from its geohash of 52 bits: half a cell is 0.3 m by 0.14 m at the
    /// equator.
    pub(crate) const ROUNDING_M: f64 = 0.5;
    /// Distances come with four decimals.
    const DECIMALS_M: f64 = 0.001;

    /// The query as an op.
    pub(crate) fn op(&self) -> Op {
        let op = Op::new(&geo::search::GEOSEARCH)
            .text(format_args!("couriers:{}", self.area))
            .arg("FROMLONLAT")
            .text(format_args!("{:.6}", self.centre.longitude))
            .text(format_args!("{:.6}", self.centre.latitude));
        let op = match self.shape {
            Shape::Circle { radius_m } => op.arg("BYRADIUS").text(radius_m),
            Shape::Box { width_m, height_m } => op.arg("BYBOX").text(width_m).text(height_m),
        };
        let op = op.arg("m").arg("ASC").arg("COUNT").text(self.count);
        op.arg("WITHCOORD").arg("WITHDIST")
    }

    /// The query that an op of ours is.
    pub(crate) fn of(op: &Op) -> Option<Query> {
        let (shape, rest) = match &op[4] {
            b"BYRADIUS" => (
                Shape::Circle {
                    radius_m: parse(&op[5])?,
                },
                6,
            ),
            b"BYBOX" => {
                let (width_m, height_m) = (parse(&op[5])?, parse(&op[6])?);
                (Shape::Box { width_m, height_m }, 7)
            }
            _ => return None,
        };
        Some(Query {
            area: parse(op[0].strip_prefix(b"couriers:")?)?,
            centre: position(&op[2], &op[3])?,
            shape,
            count: parse(&op[rest + 3])?,
        })
    }

    /// Whether a list of sightings can be the answer, as far as it shows by itself.
    pub(crate) fn check(&self, shown: &[Sighting]) -> Result<(), String> {
        if shown.len() as u64 > self.count {
            return Err(format!("at most {} couriers were asked for", self.count));
        }
        let mut met: Vec<u64> = shown.iter().map(|sighting| sighting.courier).collect();
        met.sort_unstable();
        if let Some(twice) = (1..met.len()).find(|&i| met[i - 1] == met[i]) {
            return Err(format!("courier {} is shown twice", met[twice]));
        }
        let mut before_m = 0.0;
        for sighting in shown {
            let Sighting {
                courier,
                distance_m,
                position,
            } = *sighting;
            let right_m = self.centre.distance_m(position);
            if (right_m - distance_m).abs() > Query::DECIMALS_M {
                return Err(format!("courier {courier} is {right_m:.4} m away"));
            }
            if distance_m < before_m {
                return Err(format!("courier {courier} comes after one further away"));
            }
            before_m = distance_m;
            if !self.holds(position, Query::DECIMALS_M) {
                return Err(format!("courier {courier} is outside"));
            }
        }
        Ok(())
    }

    /// A ball around the centre that holds all that may be shown up to `horizon_m`: a first look that
    /// needs no trigonometry.
    pub(crate) fn ball(&self, horizon_m: f64) -> Ball {
        let edge_m = match self.shape {
            Shape::Circle { radius_m } => radius_m,
            Shape::Box {
                width_m, height_m, ..
            } => width_m + height_m,
        };
        let angle = (edge_m.min(horizon_m) + Query::ROUNDING_M) / Position::EARTH_RADIUS_M;
        let chord = 2.0 * libm::sin(angle.min(std::f64::consts::PI) / 2.0);
        Ball {
            centre: self.centre.unit(),
            chord_squared: chord * chord,
        }
    }

    /// Whether a courier at `position` must be among those shown up to `horizon_m`.
    pub(crate) fn surely_shows(&self, position: Position, horizon_m: f64) -> bool {
        // The cheap half first: most couriers of an area are far to the north or south.
        self.holds(position, -Query::ROUNDING_M)
            && self.centre.distance_m(position) < horizon_m - Query::ROUNDING_M
    }

    /// Whether the shape, grown by `margin_m`, holds `position`.
    fn holds(&self, position: Position, margin_m: f64) -> bool {
        let north_m = self.centre.northing_m(position);
        match self.shape {
            Shape::Circle { radius_m } => {
                let limit = radius_m + margin_m;
                north_m <= limit && self.centre.distance_m(position) <= limit
            }
            Shape::Box { width_m, height_m } => {
                north_m <= height_m / 2.0 + margin_m
                    && self.centre.easting_m(position) <= width_m / 2.0 + margin_m
            }
        }
    }
}

/// The points within a chord of a point on the unit sphere.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ball {
    centre: [f64; 3],
    chord_squared: f64,
}

impl Ball {
    /// Whether a point on the unit sphere is in the ball.
    pub(crate) fn holds(&self, point: [f64; 3]) -> bool {
        let [x, y, z] = [0, 1, 2].map(|axis| point[axis] - self.centre[axis]);
        x * x + y * y + z * z <= self.chord_squared
    }
}

impl Sighting {
    /// The sightings in a reply `[[courier, distance, [longitude, latitude]], …]`.
    pub(crate) fn list(reply: &Reply) -> Result<Vec<Sighting>, String> {
        let Reply::Array(items) = reply else {
            return Err("a list of couriers is right".to_owned());
        };
        let all: Option<Vec<Sighting>> = items.iter().map(Sighting::read).collect();
        all.ok_or_else(|| "a courier, a distance and a position are right".to_owned())
    }

    fn read(item: &Reply) -> Option<Sighting> {
        let Reply::Array(item) = item else {
            return None;
        };
        let [Reply::Bulk(member), Reply::Bulk(distance), Reply::Array(at)] = &item[..] else {
            return None;
        };
        let [Reply::Bulk(longitude), Reply::Bulk(latitude)] = &at[..] else {
            return None;
        };
        Some(Sighting {
            courier: courier(member)?,
            distance_m: parse(distance)?,
            position: position(longitude, latitude)?,
        })
    }
}

/// The number in a courier's member.
pub(crate) fn courier(member: &[u8]) -> Option<u64> {
    parse(member.strip_prefix(b"c")?)
}

/// The position in two texts.
pub(crate) fn position(longitude: &[u8], latitude: &[u8]) -> Option<Position> {
    Position::new(parse(longitude)?, parse(latitude)?)
}

fn parse<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ball_holds_all_that_must_be_shown() {
        let centre = Position::new(139.7, 35.7).unwrap();
        let (width_m, height_m) = (3000.0, 3000.0);
        for shape in [
            Shape::Circle { radius_m: 1500.0 },
            Shape::Box { width_m, height_m },
        ] {
            let query = Query {
                area: 0,
                centre,
                shape,
                count: 20,
            };
            for horizon_m in [f64::INFINITY, 700.0] {
                let (ball, mut shown) = (query.ball(horizon_m), 0);
                for i in 0..4000u32 {
                    let position = centre.step(f64::from(i), f64::from(i));
                    if query.surely_shows(position, horizon_m) {
                        assert!(ball.holds(position.unit()), "{position:?}");
                        shown += 1;
                    }
                }
                assert!(shown > 600, "{shown}");
                assert!(!ball.holds(centre.step(20_000.0, 1.0).unit()));
            }
        }
    }

    #[test]
    fn a_query_reads_back() {
        for shape in [
            Shape::Circle { radius_m: 1500.0 },
            Shape::Box {
                width_m: 300.0,
                height_m: 40.0,
            },
        ] {
            let query = Query {
                area: 3,
                centre: Position::new(-12.25, 47.5).unwrap(),
                shape,
                count: 20,
            };
            assert_eq!(Query::of(&query.op()), Some(query));
        }
    }
}
