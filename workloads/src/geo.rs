//! Couriers: they move among real places and report where they are; customers look for those near by.
//!
//! ```text
//!  move    GEOADD area longitude latitude courier
//!  circle  GEOSEARCH area FROMLONLAT … BYRADIUS r m ASC COUNT n WITHCOORD WITHDIST
//!  box     GEOSEARCH area FROMLONLAT … BYBOX w h m ASC COUNT n WITHCOORD WITHDIST
//! ```
//!
//! Its one idea: places are real and weighed by their people, so cells are as crowded and as empty as
//! the Earth is. Answers are checked by the crate's own haversine ([`crate::places`]): who is shown is
//! inside, in order, at the distance told, own couriers where they reported themselves; and own couriers
//! that are inside are shown.

use seawall_store::command::geo;
use seawall_store::{Op, Reply};

use crate::catalog::{Definition, Part};
use crate::dist::{Exponential, Histogram, Rng, Uniform, mix};
use crate::places::{Position, places};
use crate::settings::{Param, Preset, Settings, WorkloadError};
use crate::sighting::{Query, Shape, Sighting};
use crate::{Mismatch, Workload};

/// Couriers as the list has them.
pub static DEFINITION: Definition = Definition {
    name: "geo",
    about: "couriers move among real places; customers look around in circles and boxes",
    source: "GeoNames places with populations (CC BY 4.0); Redis GEOADD and GEOSEARCH",
    params: &[
        Param::whole("couriers", 1, 1 << 26, "couriers, of all clients"),
        Param::whole("places", 1, 25_000, "places, the most populous ones"),
        Param::whole("areas", 1, 25_000, "groups of places, each a sorted set"),
        Param::share(
            "moves",
            "share of requests that report a move; the others look around",
        ),
        Param::share("boxes", "share of looks that ask for a box"),
        Param::spread(
            "radius_m",
            1,
            1_000_000,
            "radius of a circle, half the side of a box, in metres",
        ),
        Param::whole("count", 1, 10_000, "how many couriers to show at most"),
        Param::real(
            "step_m",
            0.0,
            100_000.0,
            "mean distance of a move, in metres",
        ),
        Param::real(
            "town_m",
            0.0,
            100_000.0,
            "mean distance from a place's centre, in metres",
        ),
    ],
    presets: &[Preset {
        name: "couriers",
        toml: include_str!("../presets/geo.couriers.toml"),
    }],
    build: |settings, part| Ok(Box::new(Couriers::new(settings, part)?)),
};

/// One client of a courier service.
pub struct Couriers {
    part: Part,
    fleet: Vec<Courier>,
    /// By area: own couriers whose home is in it.
    areas: Vec<Vec<u32>>,
    /// Which place is looked at, by its people.
    place: Histogram,
    /// Which courier moves.
    who: Uniform,
    moves: f64,
    boxes: f64,
    radius_m: Histogram,
    count: u64,
    step_m: Exponential,
    town_m: Exponential,
    to_load: usize,
    rng: Rng,
}

#[derive(Clone, Copy)]
struct Courier {
    /// The home's index in the list of places.
    home: u32,
    /// Where the last report that was given out says it is.
    reported: Position,
    /// Where the store must have it, once a reply told so.
    known: Option<Position>,
    /// The same as a point of the unit sphere.
    unit: [f64; 3],
}

impl Couriers {
    /// A courier this many times the mean distance away from the centre turns back.
    const TOWN_EDGE: f64 = 4.0;

    /// Client `part` with these settings.
    ///
    /// # Errors
    /// Settings that do not go together.
    pub fn new(settings: &Settings, part: Part) -> Result<Couriers, WorkloadError> {
        let owned = part.owned(settings.whole("couriers"));
        if owned == 0 {
            let why = format!(
                "`couriers` must be at least the number of clients, {}",
                part.clients
            );
            return Err(settings.conflict(why));
        }
        let chosen = &places()[..settings.whole("places") as usize];
        let weights: Vec<(f64, f64)> = chosen
            .iter()
            .enumerate()
            .map(|(i, place)| (i as f64, place.population as f64))
            .collect();
        let place = Histogram::new(&weights).map_err(|why| settings.no_histogram("places", why))?;
        let town_m = Exponential::new(settings.real("town_m"));
        let mut areas = vec![Vec::new(); settings.whole("areas") as usize];
        let mut rng = Rng::stream(part.seed, part.client, "homes");
        let fleet = (0..owned)
            .map(|i| {
                let home = place.pick(mix(part.seed, part.global(i))) as u32;
                let area = home as usize % areas.len();
                areas[area].push(i as u32);
                Courier {
                    home,
                    reported: around(home, town_m, &mut rng),
                    known: None,
                    unit: [0.0; 3],
                }
            })
            .collect();
        Ok(Couriers {
            part,
            fleet,
            areas,
            place,
            who: Uniform::new(0, owned - 1),
            moves: settings.real("moves"),
            boxes: settings.real("boxes"),
            radius_m: settings.spread("radius_m")?,
            count: settings.whole("count"),
            step_m: Exponential::new(settings.real("step_m")),
            town_m,
            to_load: 0,
            rng: Rng::stream(part.seed, part.client, "moves"),
        })
    }

    fn report(&self, courier: usize) -> Op {
        let Courier { home, reported, .. } = self.fleet[courier];
        let area = home as usize % self.areas.len();
        let number = self.part.global(courier as u64);
        Op::new(&geo::add::GEOADD)
            .text(format_args!("couriers:{area}"))
            .text(format_args!("{:.6}", reported.longitude))
            .text(format_args!("{:.6}", reported.latitude))
            .text(format_args!("c{number}"))
    }

    /// Moves a courier at random, and towards its home where it has gone too far.
    fn move_on(&mut self, courier: usize) {
        let metres = self.step_m.sample(&mut self.rng);
        let bearing = turn(&mut self.rng);
        let at = &mut self.fleet[courier];
        let home = places()[at.home as usize].position;
        let next = at.reported.step(metres, bearing);
        let edge_m = self.town_m.mean() * Couriers::TOWN_EDGE;
        at.reported = if home.distance_m(next) <= edge_m {
            next
        } else {
            around(at.home, self.town_m, &mut self.rng)
        };
    }

    fn look(&mut self) -> Op {
        let place = self.place.sample(&mut self.rng) as u32;
        let centre = around(place, self.town_m, &mut self.rng);
        let radius_m = self.radius_m.sample(&mut self.rng);
        let shape = if self.rng.chance(self.boxes) {
            let side_m = 2.0 * radius_m;
            Shape::Box {
                width_m: side_m,
                height_m: side_m,
            }
        } else {
            Shape::Circle { radius_m }
        };
        Query {
            area: u64::from(place) % self.areas.len() as u64,
            centre,
            shape,
            count: self.count,
        }
        .op()
    }

    /// The own courier of this number.
    fn own(&self, number: u64) -> Option<usize> {
        let local = self.part.local(number)? as usize;
        (local < self.fleet.len()).then_some(local)
    }

    fn check_report(&mut self, op: &Op, reply: &Reply) -> Result<(), String> {
        let number = crate::sighting::courier(&op[3]).and_then(|number| self.own(number));
        let courier = number.expect("an op of ours");
        let Reply::Int(added @ (0 | 1)) = *reply else {
            return Err("0 or 1 is right".to_owned());
        };
        let known = self.fleet[courier].known;
        let position = crate::sighting::position(&op[1], &op[2]).expect("an op of ours");
        self.fleet[courier].known = Some(position);
        self.fleet[courier].unit = position.unit();
        if known.is_some() && added == 1 {
            return Err("0 is right: the courier was there".to_owned());
        }
        Ok(())
    }

    fn check_look(&mut self, op: &Op, reply: &Reply) -> Result<(), String> {
        let query = Query::of(op).expect("an op of ours");
        let shown = Sighting::list(reply)?;
        query.check(&shown)?;
        let mut own = 0;
        for sighting in &shown {
            let Some(courier) = self.own(sighting.courier) else {
                if self.part.local(sighting.courier).is_some() {
                    return Err(format!("there is no courier {}", sighting.courier));
                }
                continue;
            };
            let at = &mut self.fleet[courier];
            if u64::from(at.home) % self.areas.len() as u64 != query.area {
                return Err(format!("courier {} is of another area", sighting.courier));
            }
            let Some(known) = at.known else { continue };
            own += 1;
            if known.distance_m(sighting.position) > Query::ROUNDING_M {
                at.known = None;
                let Position {
                    longitude,
                    latitude,
                } = known;
                let courier = sighting.courier;
                return Err(format!("courier {courier} is at {longitude} {latitude}"));
            }
        }
        // Who is surely inside, and nearer than the last one where the list is full, must be shown.
        let full = shown.len() as u64 == query.count;
        let horizon_m = shown
            .last()
            .filter(|_| full)
            .map_or(f64::INFINITY, |last| last.distance_m);
        let ball = query.ball(horizon_m);
        let must = self.areas[query.area as usize].iter().filter(|&&courier| {
            let Courier { known, unit, .. } = self.fleet[courier as usize];
            ball.holds(unit)
                && known.is_some_and(|position| query.surely_shows(position, horizon_m))
        });
        let must = must.count();
        if must > own {
            return Err(format!(
                "{must} of this client's couriers are inside, {own} are shown"
            ));
        }
        Ok(())
    }
}

/// A direction, each equally likely, in radians.
fn turn(rng: &mut Rng) -> f64 {
    rng.unit() * std::f64::consts::TAU
}

/// A point in a place.
fn around(place: u32, town_m: Exponential, rng: &mut Rng) -> Position {
    let metres = town_m.sample(rng).min(town_m.mean() * Couriers::TOWN_EDGE);
    places()[place as usize].position.step(metres, turn(rng))
}

impl Workload for Couriers {
    fn preload(&mut self) -> Option<Op> {
        let courier = self.to_load;
        if courier == self.fleet.len() {
            return None;
        }
        self.to_load += 1;
        Some(self.report(courier))
    }

    fn next(&mut self) -> Op {
        if !self.rng.chance(self.moves) {
            return self.look();
        }
        let courier = self.who.sample(&mut self.rng) as usize;
        self.move_on(courier);
        self.report(courier)
    }

    fn observe(&mut self, op: &Op, reply: &Reply) -> Result<(), Mismatch> {
        let right = if op.command().name == "geoadd" {
            self.check_report(op, reply)
        } else {
            self.check_look(op, reply)
        };
        right.map_err(|why| Mismatch::new(op, reply, why))
    }

    fn unanswered(&mut self, op: &Op) {
        if op.command().name == "geoadd" {
            let number = crate::sighting::courier(&op[3]).and_then(|number| self.own(number));
            self.fleet[number.expect("an op of ours")].known = None;
        }
    }
}
