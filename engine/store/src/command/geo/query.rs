//! A search for places as its arguments give it, for all six commands that search.

use super::cover::Shape;
use super::point::Point;
use super::read::{length, unit_m};
use crate::command::{CommandError, number};
use crate::op::Op;
use crate::value::SortedSet;

/// How a command says where to search, and what else it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `GEORADIUS key longitude latitude radius unit …`
    Place {
        /// Whether `STORE` and `STOREDIST` are options.
        stores: bool,
    },
    /// `GEORADIUSBYMEMBER key member radius unit …`
    Member {
        /// Whether `STORE` and `STOREDIST` are options.
        stores: bool,
    },
    /// `GEOSEARCH key …`
    Search,
    /// `GEOSEARCHSTORE destination key …`
    SearchStore,
}

impl Form {
    /// Which argument is the key that is searched.
    pub fn source(self) -> usize {
        usize::from(self == Form::SearchStore)
    }

    fn searches(self) -> bool {
        matches!(self, Form::Search | Form::SearchStore)
    }

    fn stores_by_option(self) -> bool {
        matches!(
            self,
            Form::Place { stores: true } | Form::Member { stores: true }
        )
    }
}

/// How found places are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// As they are found.
    None,
    /// The nearest first.
    Ascending,
    /// The farthest first.
    Descending,
}

/// Where a search is centred.
#[derive(Clone, Copy, Debug)]
enum Centre {
    At(Point),
    /// A member of a set that is not there: the search finds nothing.
    OfNoSet,
}

/// Where the result goes instead of to the caller.
#[derive(Clone, Copy, Debug)]
pub struct Destination {
    /// The argument that is the key.
    pub key: usize,
    /// Whether distances are the scores, not geohashes.
    pub distances: bool,
}

/// A search.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "one for each word")]
pub struct Query {
    centre: Option<Centre>,
    shape: Option<Shape>,
    /// Metres in the unit of the shape, which distances are given in too.
    pub unit_m: f64,
    /// The order.
    pub sort: Sort,
    /// How many at most; 0: all.
    pub count: u64,
    /// Whether any `count` places do, not the nearest alone.
    pub any: bool,
    /// `WITHDIST`
    pub with_distance: bool,
    /// `WITHHASH`
    pub with_hash: bool,
    /// `WITHCOORD`
    pub with_coordinates: bool,
    /// Where the result goes.
    pub destination: Option<Destination>,
}

impl Query {
    /// Reads the arguments of `op`; `set` is what its key holds.
    ///
    /// # Errors
    /// They do not give a search, or the member that it is centred at is not there.
    pub fn parse(op: &Op, form: Form, set: Option<&SortedSet>) -> Result<Query, CommandError> {
        let mut query = Query {
            centre: None,
            shape: None,
            unit_m: 1.0,
            sort: Sort::None,
            count: 0,
            any: false,
            with_distance: false,
            with_hash: false,
            with_coordinates: false,
            destination: (form == Form::SearchStore).then_some(Destination {
                key: 0,
                distances: false,
            }),
        };
        let first = match form {
            Form::Place { .. } => {
                query.centre = Some(Centre::At(Point::parse(&op[1], &op[2])?));
                query.circle(&op[3], &op[4])?;
                5
            }
            Form::Member { .. } => {
                let centre = of_member(set, &op[1])?;
                query.centre = Some(centre);
                // Where there is no set, Redis does not look at the radius.
                if let Centre::At(_) = centre {
                    query.circle(&op[2], &op[3])?;
                }
                4
            }
            Form::Search => 1,
            Form::SearchStore => 2,
        };
        query.options(op, form, first, set)?;
        query.check(op, form)?;
        Ok(query)
    }

    /// Reads the options from argument `first` on.
    fn options(
        &mut self,
        op: &Op,
        form: Form,
        first: usize,
        set: Option<&SortedSet>,
    ) -> Result<(), CommandError> {
        let searches = form.searches();
        let (mut from_member, mut from_place) = (false, false);
        let mut i = first;
        while let Some(word) = op.get(i) {
            let follow = op.len() - i - 1;
            let circle = matches!(self.shape, Some(Shape::Circle { .. }));
            let boxed = matches!(self.shape, Some(Shape::Box { .. }));
            match word.to_ascii_lowercase().as_slice() {
                b"withdist" => self.with_distance = true,
                b"withhash" => self.with_hash = true,
                b"withcoord" => self.with_coordinates = true,
                b"any" => self.any = true,
                b"asc" => self.sort = Sort::Ascending,
                b"desc" => self.sort = Sort::Descending,
                b"count" if follow >= 1 => {
                    self.count = u64::try_from(number::int(&op[i + 1])?)
                        .ok()
                        .filter(|&count| count > 0)
                        .ok_or(CommandError::new("ERR COUNT must be > 0"))?;
                    i += 1;
                }
                word @ (b"store" | b"storedist") if form.stores_by_option() && follow >= 1 => {
                    self.destination = Some(Destination {
                        key: i + 1,
                        distances: word == b"storedist",
                    });
                    i += 1;
                }
                b"storedist" if form == Form::SearchStore => {
                    self.destination = Some(Destination {
                        key: 0,
                        distances: true,
                    });
                }
                b"frommember" if searches && follow >= 1 && !from_place => {
                    self.centre = Some(of_member(set, &op[i + 1])?);
                    from_member = true;
                    i += 1;
                }
                b"fromlonlat" if searches && follow >= 2 && !from_member => {
                    self.centre = Some(Centre::At(Point::parse(&op[i + 1], &op[i + 2])?));
                    from_place = true;
                    i += 2;
                }
                b"byradius" if searches && follow >= 2 && !boxed => {
                    self.circle(&op[i + 1], &op[i + 2])?;
                    i += 2;
                }
                b"bybox" if searches && follow >= 3 && !circle => {
                    self.rectangle(&op[i + 1], &op[i + 2], &op[i + 3])?;
                    i += 3;
                }
                _ => return Err(CommandError::SYNTAX),
            }
            i += 1;
        }
        Ok(())
    }

    fn circle(&mut self, radius: &[u8], unit: &[u8]) -> Result<(), CommandError> {
        let radius = length(radius, "ERR need numeric radius")?;
        if radius < 0.0 {
            return Err(CommandError::new("ERR radius cannot be negative"));
        }
        self.unit_m = unit_m(unit)?;
        self.shape = Some(Shape::Circle {
            radius_m: radius * self.unit_m,
        });
        Ok(())
    }

    fn rectangle(&mut self, width: &[u8], height: &[u8], unit: &[u8]) -> Result<(), CommandError> {
        let width = length(width, "ERR need numeric width")?;
        let height = length(height, "ERR need numeric height")?;
        if width < 0.0 || height < 0.0 {
            return Err(CommandError::new("ERR height or width cannot be negative"));
        }
        self.unit_m = unit_m(unit)?;
        self.shape = Some(Shape::Box {
            width_m: width * self.unit_m,
            height_m: height * self.unit_m,
        });
        Ok(())
    }

    /// Refuses what does not go together.
    fn check(&self, op: &Op, form: Form) -> Result<(), CommandError> {
        let extras = self.with_distance || self.with_hash || self.with_coordinates;
        if self.destination.is_some() && extras {
            let who = if form == Form::SearchStore {
                "GEOSEARCHSTORE"
            } else {
                "STORE option in GEORADIUS"
            };
            return Err(CommandError::new(format!(
                "ERR {who} is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
            )));
        }
        let lacks = |what| {
            let name = op.name();
            CommandError::new(format!(
                "ERR exactly one of {what} can be specified for {name}"
            ))
        };
        if form.searches() && self.centre.is_none() {
            return Err(lacks("FROMMEMBER or FROMLONLAT"));
        }
        if form.searches() && self.shape.is_none() {
            return Err(lacks("BYRADIUS and BYBOX"));
        }
        if self.any && self.count == 0 {
            return Err(CommandError::new(
                "ERR the ANY argument requires COUNT argument",
            ));
        }
        Ok(())
    }

    /// The centre and the shape; `None` where there is nothing to search.
    pub fn place(&self) -> Option<(Point, Shape)> {
        match self.centre? {
            Centre::At(centre) => Some((centre, self.shape?)),
            Centre::OfNoSet => None,
        }
    }
}

fn of_member(set: Option<&SortedSet>, member: &[u8]) -> Result<Centre, CommandError> {
    let Some(set) = set else {
        return Ok(Centre::OfNoSet);
    };
    let score = set.score(member).ok_or(CommandError::new(
        "ERR could not decode requested zset member",
    ))?;
    Ok(Centre::At(Point::from_score(score)))
}
