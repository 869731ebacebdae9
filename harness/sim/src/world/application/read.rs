//! Reading a row: look, and on a miss fly to the database, alone or together.

use rand::RngExt;
use seawall_cluster::Nanos;
use seawall_store::Reply;
use seawall_store::command::string;

use super::lease::{self, Found};
use super::{FlightId, Of, TaskId, prefix, with_expiry};
use crate::caching::{Flights, OnWrite};
use crate::world::World;
use crate::world::database::Query;
use crate::world::queue::Happening;

/// A user waits for a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) client: u16,
    row: u64,
    /// Which of the row's keys it looks under.
    copy: u8,
    begun: Nanos,
    /// The version that somebody had been told is written when it began, and since when.
    floor: u32,
    floor_since: Nanos,
    in_gutter: bool,
    /// How often it looked.
    looks: u32,
}

/// One read of the database.
#[derive(Clone, Debug)]
pub(super) struct Flight {
    row: u64,
    /// Who asks, and who may join.
    pub(super) client: u16,
    pub(super) owner: u16,
    waiting: Vec<TaskId>,
    /// Where its fills go.
    fills: Vec<Place>,
    /// How many times the database was asked.
    attempts: u32,
    begun: Nanos,
}

impl Flight {
    /// The client that asks is gone: whether another one asks from now on, of those who wait.
    pub(super) fn passes_on(&mut self, client_of: impl Fn(TaskId) -> Option<u16>) -> bool {
        let next = self.waiting.iter().find_map(|task| client_of(*task));
        let goes_on = next.filter(|_| self.owner == CACHE);
        self.client = goes_on.unwrap_or(self.client);
        goes_on.is_some()
    }
}

/// Where a fill goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    copy: u8,
    in_gutter: bool,
    lease: Option<u64>,
}

/// The owner of flights that all may join: no client has this number.
const CACHE: u16 = u16::MAX;

impl World<'_> {
    /// A user wants to read a row.
    pub(in crate::world) fn begin_read(&mut self, client: u16, row: u64) {
        let it = &mut self.application;
        if let Some(version) = it.locals[usize::from(client)].get(self.now, row) {
            let known = it.row(row);
            it.toll
                .judge(self.now, version, known.settled, known.settled_at);
            self.measure.looked_up(self.now, true);
            self.measure.answered(self.now, Nanos::default());
            return;
        }
        let copies = it.rules.copies_of(row);
        let copy = if copies > 1 {
            it.rng.random_range(0..copies)
        } else {
            0
        };
        let (task, known) = (it.number(), it.row(row));
        let reading = Reading {
            client,
            row,
            copy,
            begun: self.now,
            floor: known.settled,
            floor_since: known.settled_at,
            in_gutter: false,
            looks: 0,
        };
        it.readings.insert(task, reading);
        self.look(task);
    }

    /// Asks the cache for the row of a reading.
    pub(in crate::world) fn look(&mut self, task: TaskId) {
        let it = &mut self.application;
        let Some(reading) = it.readings.get_mut(&task) else {
            return;
        };
        reading.looks += 1;
        let Reading {
            client,
            row,
            copy,
            in_gutter,
            looks,
            ..
        } = *reading;
        let lease_s = it.rules.lease_s;
        let Some(rows) = self.clients[usize::from(client)].rows() else {
            return;
        };
        let prefix = prefix(copy, in_gutter);
        let op = if lease_s > 0 && !in_gutter && looks <= lease::WAITS_MAX {
            lease::look(rows, prefix, row, lease_s)
        } else {
            rows.op(&string::GET, prefix, row)
        };
        self.ask_cache(client, op, Of::Look(task), in_gutter);
    }

    /// The cache answered a look.
    pub(super) fn looked(&mut self, task: TaskId, reply: &Reply) {
        let Some(reading) = self.application.readings.get(&task).copied() else {
            return;
        };
        let is_first = reading.looks == 1;
        match lease::found(reply) {
            Some(Found::Value(value, number)) if !value.is_empty() => {
                if is_first {
                    self.measure.looked_up(self.now, true);
                }
                self.check(&reading, value);
                self.answer(task);
                self.read_early(&reading, number);
            }
            Some(Found::Nothing(lease)) => {
                if is_first {
                    self.measure.looked_up(self.now, false);
                }
                let place = Place {
                    copy: reading.copy,
                    in_gutter: reading.in_gutter,
                    lease,
                };
                self.fly(&reading, Some(task), Some(place));
            }
            // An empty value is what a lease leaves for those who look without one.
            Some(Found::Leased | Found::Value(..)) if reading.looks <= lease::WAITS_MAX => {
                if is_first {
                    self.measure.looked_up(self.now, false);
                }
                let at = self.now + lease::WAIT;
                self.queue.push(at, Happening::Look { task });
            }
            _ => self.fly(&reading, Some(task), None),
        }
    }

    /// The cache gave no answer to a look.
    pub(super) fn looked_in_vain(&mut self, task: TaskId, in_gutter: bool) {
        let it = &mut self.application;
        let Some(reading) = it.readings.get_mut(&task) else {
            return;
        };
        if it.rules.gutter_s > 0 && !in_gutter {
            reading.in_gutter = true;
            // The first look there is the first that counts.
            reading.looks = 0;
            self.look(task);
        } else {
            let reading = *reading;
            self.fly(&reading, Some(task), None);
        }
    }

    /// Whether a value is the row's, and as new as it must be.
    fn check(&mut self, reading: &Reading, value: &[u8]) {
        let Some(rows) = self.clients[usize::from(reading.client)].rows() else {
            return;
        };
        let version = rows.version_of(reading.row, value);
        let toll = &mut self.application.toll;
        let Ok(version) = version else {
            toll.wrong_values += 1;
            return;
        };
        toll.judge(self.now, version, reading.floor, reading.floor_since);
        self.keep(reading.client, reading.row, version);
    }

    /// A client has a row, and may keep it itself for a while.
    fn keep(&mut self, client: u16, row: u64, version: u32) {
        let it = &mut self.application;
        let local = Nanos::from_millis(it.rules.local_ms);
        if local > Nanos::default() {
            it.locals[usize::from(client)].keep(row, version, self.now + local);
        }
    }

    /// Perhaps reads a row anew before it expires. With leases the fill counts if the value is still the one that has
    /// this `number`.
    fn read_early(&mut self, reading: &Reading, number: Option<u64>) {
        let it = &mut self.application;
        let (early, known) = (it.rules.early, it.row(reading.row));
        if early == 0.0 || known.expires <= self.now {
            return;
        }
        let uniform: f64 = it.rng.random();
        let ahead = known.took.0 as f64 * early * -libm::log(1.0 - uniform);
        if self.now + Nanos(ahead as u64) >= known.expires {
            let place = Place {
                copy: reading.copy,
                in_gutter: reading.in_gutter,
                lease: number,
            };
            self.fly(reading, None, Some(place));
        }
    }

    /// Somebody, or nobody, waits for a row of the database: on a flight that is under way, or a new one.
    fn fly(&mut self, reading: &Reading, task: Option<TaskId>, fill: Option<Place>) {
        let it = &mut self.application;
        let owner = match it.rules.flights {
            Flights::OfCache => CACHE,
            Flights::Each | Flights::OfClient => reading.client,
        };
        let share = (owner, reading.row);
        if let Some(flight) = it.joinable.get(&share) {
            let flight = it.flights.get_mut(flight).expect("what is joinable flies");
            flight.waiting.extend(task);
            flight
                .fills
                .extend(fill.filter(|fill| !flight.fills.contains(fill)));
            return;
        }
        let number = it.number();
        let flight = Flight {
            row: reading.row,
            client: reading.client,
            owner,
            waiting: task.into_iter().collect(),
            fills: fill.into_iter().collect(),
            attempts: 0,
            begun: self.now,
        };
        it.flights.insert(number, flight);
        if it.rules.flights != Flights::Each {
            it.joinable.insert(share, number);
        }
        self.fetch(number);
    }

    /// Asks the database for a flight's row.
    pub(in crate::world) fn fetch(&mut self, id: FlightId) {
        let Some(flight) = self.application.flights.get_mut(&id) else {
            return;
        };
        flight.attempts += 1;
        let (number, row) = (flight.attempts, flight.row);
        self.ask_database(Query::Fetch {
            flight: id,
            number,
            row,
        });
        let timeout = Nanos::from_millis(self.plan.scenario.database_timeout_ms);
        let late = Happening::FetchLate { flight: id, number };
        self.queue.push(self.now + timeout, late);
    }

    /// The database gave a flight's row in this version.
    pub(super) fn fetched(&mut self, id: FlightId, number: u32, version: u32) {
        let Some(flight) = self.landed(id, number) else {
            self.application.toll.queries_wasted += 1;
            return;
        };
        for task in &flight.waiting {
            let floor = self.application.readings.get(task).map(|it| it.floor);
            let is_stale = floor.is_some_and(|floor| version < floor);
            self.application.toll.stale_answers += u64::from(is_stale);
            self.answer(*task);
        }
        self.keep(flight.client, flight.row, version);
        for place in &flight.fills {
            self.fill(&flight, *place, version);
        }
    }

    /// The database took too long for a flight.
    pub(in crate::world) fn on_fetch_late(&mut self, id: FlightId, number: u32) {
        let flight = self.application.flights.get(&id);
        let Some(flight) = flight.filter(|flight| flight.attempts == number) else {
            return;
        };
        if let Some(wait) = self.asks_again(flight.client, number) {
            self.queue
                .push(self.now + wait, Happening::Fetch { flight: id });
            return;
        }
        let flight = self.landed(id, number);
        for task in flight.into_iter().flat_map(|flight| flight.waiting) {
            if self.application.readings.remove(&task).is_some() {
                self.unserved();
            }
        }
    }

    /// Takes a flight that the answer to this attempt ends.
    fn landed(&mut self, id: FlightId, number: u32) -> Option<Flight> {
        let it = &mut self.application;
        if it.flights.get(&id)?.attempts != number {
            return None;
        }
        let flight = it.flights.remove(&id)?;
        let share = (flight.owner, flight.row);
        if it.joinable.get(&share) == Some(&id) {
            it.joinable.remove(&share);
        }
        Some(flight)
    }

    /// Gives the cache what a flight brought; nobody waits for it.
    fn fill(&mut self, flight: &Flight, place: Place, version: u32) {
        let Some(rows) = self.clients[usize::from(flight.client)].rows() else {
            return;
        };
        let it = &mut self.application;
        let ttl_s = if place.in_gutter {
            it.rules.gutter_s
        } else {
            rows.ttl_s(flight.row)
        };
        let expiry = it.expiry(ttl_s);
        let took = self.now.since(flight.begun);
        if let Some(known) = it.row_mut(flight.row) {
            known.took = took;
            known.expires = expiry.map_or(Nanos(u64::MAX), |expiry| self.now + expiry);
        }
        let prefix = prefix(place.copy, place.in_gutter);
        let op = if let Some(lease) = place.lease {
            lease::fill(rows, prefix, flight.row, version, lease, expiry)
        } else {
            let op = with_expiry(rows.set(prefix, flight.row, version), expiry);
            // What waits to go to the database is newer than what was read there.
            let is_behind = matches!(it.rules.on_write, OnWrite::Behind(_));
            if is_behind { op.arg("NX") } else { op }
        };
        self.ask_cache(flight.client, op, Of::Fill, place.in_gutter);
    }

    /// A reading has its row.
    fn answer(&mut self, task: TaskId) {
        if let Some(reading) = self.application.readings.remove(&task) {
            let latency = self.now.since(reading.begun);
            self.measure.answered(self.now, latency);
        }
    }
}
