//! Golden scripts of migrations: what each machine wants done, in a world where everything takes no time.
//!
//! A world has the keys of a source and of a target, and clients that write at the source whenever it does not hold
//! them back. What comes out is compared with the snapshot beside this file (`INSTA_UPDATE=always` to bless).

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;

use seawall_cluster::migration::{Action, Event, Held, Migration};
use seawall_cluster::sharding;
use seawall_store::spec::Spec;

/// The machine that `spec`, a sharding, moves `slots` with.
fn machine(spec: &str, slots: &[u16]) -> Box<dyn Migration> {
    let (member, values) = sharding::find(&Spec::parse(spec).unwrap()).unwrap();
    member.moves.expect("its data moves")(&values, slots.to_vec())
}

/// By key, which begins with its slot: a value.
type Keys = BTreeMap<String, u32>;

/// Something that happens beside the machine's own events.
enum Beside {
    /// A client writes a key, which is held back or sent on where the source says so.
    Write(&'static str, u32),
    /// Another node serves the source from now on.
    Failover,
}

#[derive(Default)]
struct World {
    source: Keys,
    target: Keys,
    given: Vec<String>,
    assigned: Vec<u16>,
    open: Option<u16>,
    held: Option<Held>,
    waiting: Vec<(&'static str, u32)>,
    /// What each key is, wherever it is.
    newest: Keys,
    text: String,
}

fn slot(key: &str) -> u16 {
    key.split(':').next().unwrap().parse().unwrap()
}

impl World {
    fn say(&mut self, words: &str) {
        writeln!(self.text, "{words}").unwrap();
    }

    /// A client's write; the event that tells of it, where the source takes it in.
    fn write(&mut self, key: &'static str, value: u32) -> Option<Event> {
        let is_held = match &self.held {
            Some(Held::Writes | Held::All { .. }) => true,
            None => false,
        };
        let is_given = self.given.iter().any(|given| given == key);
        if self.assigned.contains(&slot(key)) {
            self.say(&format!("    client: {key} = {value}, at the target"));
            self.newest.insert(key.to_owned(), value);
            self.target.insert(key.to_owned(), value);
            return None;
        }
        let is_absent = self.open == Some(slot(key)) && !self.source.contains_key(key);
        if !is_held {
            self.newest.insert(key.to_owned(), value);
        }
        if is_held {
            self.say(&format!("    client: {key} = {value}, waits"));
            self.waiting.push((key, value));
            None
        } else if is_given || is_absent {
            self.say(&format!("    client: {key} = {value}, sent on"));
            self.given.push(key.to_owned());
            self.target.insert(key.to_owned(), value);
            None
        } else {
            self.say(&format!("    client: {key} = {value}"));
            self.source.insert(key.to_owned(), value);
            let (slot, key) = (slot(key), key.as_bytes().to_vec());
            Some(Event::Changed { slot, key })
        }
    }

    /// What waited comes again.
    fn take_in_again(&mut self) -> Vec<Event> {
        self.held = None;
        let mut written = Vec::new();
        for (key, value) in std::mem::take(&mut self.waiting) {
            written.extend(self.write(key, value));
        }
        written
    }

    fn perform(&mut self, action: Action) -> Vec<Event> {
        self.say(&format!("  {}", shown(&action)));
        match action {
            Action::Tell(_) => vec![Event::Told],
            Action::Clear => {
                self.target.clear();
                vec![Event::Cleared]
            }
            Action::Open { slot } => {
                self.open = Some(slot);
                vec![]
            }
            Action::List { slots, most } => {
                let is_asked = |key: &&String| {
                    slots.contains(&slot(key)) && !self.given.iter().any(|given| given == *key)
                };
                let keys = self.source.keys().filter(is_asked).take(most);
                let keys = keys.map(|key| key.as_bytes().to_vec()).collect();
                vec![Event::Listed { keys }]
            }
            Action::Hold(held) => {
                self.held = Some(held);
                vec![]
            }
            Action::Drain => vec![Event::Drained],
            Action::Copy { keys } => {
                for key in keys {
                    let key = String::from_utf8(key).unwrap();
                    match self.source.get(&key) {
                        Some(value) => self.target.insert(key, *value),
                        None => self.target.remove(&key),
                    };
                }
                vec![Event::Copied]
            }
            Action::Give { keys } => {
                let keys = keys.into_iter().map(|key| String::from_utf8(key).unwrap());
                self.given.extend(keys);
                vec![]
            }
            Action::Assign { slots } => {
                (self.open, self.given) = (None, Vec::new());
                self.assigned.extend(slots);
                vec![]
            }
            Action::Release => self.take_in_again(),
            Action::Done => vec![],
        }
    }
}

fn shown(action: &Action) -> String {
    let names = |keys: &[Vec<u8>]| {
        let names: Vec<_> = keys
            .iter()
            .map(|key| String::from_utf8_lossy(key))
            .collect();
        names.join(" ")
    };
    match action {
        Action::Copy { keys } => format!("copy {}", names(keys)),
        Action::Give { keys } => format!("give {}", names(keys)),
        Action::Hold(Held::Writes) => "hold writes".to_owned(),
        Action::Hold(Held::All { keys }) => format!("hold all, for {}", names(keys)),
        Action::List { slots, most } if *most == usize::MAX => format!("list {slots:?}"),
        Action::List { slots, most } => format!("list {slots:?}, {most} at the most"),
        other => format!("{other:?}").to_lowercase(),
    }
}

/// Runs a machine to its end; `beside` says after how many of its events what happens.
fn run(spec: &str, beside: &[(usize, Beside)]) -> World {
    let mut world = World::default();
    for (key, value) in [("1:a", 1), ("1:b", 1), ("1:c", 1), ("2:a", 1)] {
        world.source.insert(key.to_owned(), value);
    }
    world.newest = world.source.clone();
    let mut machine = machine(spec, &[1, 2, 3]);
    let (mut events, mut out) = (VecDeque::from([Event::Start]), Vec::new());
    let mut count = 0;
    while let Some(event) = events.pop_front() {
        world.say(&match &event {
            Event::Listed { keys } => format!("listed: {}", keys.len()),
            other => format!("{other:?}").to_lowercase(),
        });
        machine.step(event, &mut out);
        for action in out.drain(..) {
            events.extend(world.perform(action));
        }
        count += 1;
        for (_, beside) in beside.iter().filter(|(after, _)| *after == count) {
            match beside {
                Beside::Write(key, value) => {
                    if let Some(changed) = world.write(key, *value) {
                        machine.step(changed, &mut out);
                        assert_eq!(out, [], "it takes that down");
                    }
                }
                // What was done has no more events.
                Beside::Failover if events.is_empty() => {}
                Beside::Failover => {
                    // What was asked for has no answer any more, and what was held back is so no more.
                    events.clear();
                    events.extend(world.take_in_again());
                    events.push_back(Event::Interrupted);
                }
            }
        }
    }
    let has = format!("target: {:?}", world.target);
    world.say(&has);
    world
}

#[test]
fn key_by_key() {
    use Beside::{Failover, Write};
    let beside = [
        (5, Write("1:a", 2)),
        (7, Write("1:b", 3)),
        (8, Write("1:a", 4)),
        (8, Write("1:new", 5)),
        (12, Failover),
    ];
    let world = run("slots:migration=key-by-key:batch=2", &beside);
    insta::assert_snapshot!(world.text);
    let values = ["1:a", "1:b", "1:c", "1:new", "2:a"].map(|key| world.target[key]);
    assert_eq!(values, [4, 3, 1, 5, 1], "the last of each");
}

#[test]
fn atomic() {
    use Beside::{Failover, Write};
    let beside = [
        (4, Write("1:a", 2)),
        (5, Failover),
        (9, Write("2:a", 3)),
        (10, Write("1:b", 4)),
        (10, Write("3:new", 5)),
    ];
    let world = run("slots", &beside);
    insta::assert_snapshot!(world.text);
    let values = ["1:a", "1:b", "1:c", "2:a", "3:new"].map(|key| world.target[key]);
    assert_eq!(values, [2, 4, 1, 3, 5], "the last of each");
}

#[test]
fn one_that_forgets() {
    let beside = [(4, Beside::Write("1:a", 2))];
    let world = run("broken-slots", &beside);
    insta::assert_snapshot!(world.text);
    assert_eq!((world.source["1:a"], world.target["1:a"]), (2, 1), "lost");
}

/// Whatever is written when, and whoever fails over when, the target has what clients wrote last.
#[test]
fn whatever_happens_nothing_stays_behind() {
    let keys = ["1:a", "1:b", "1:c", "2:a", "2:z", "3:q"];
    for spec in ["slots", "slots:migration=key-by-key:batch=1"] {
        for one in 0..30 {
            for other in 0..30 {
                let beside = [
                    (one, Beside::Write(keys[one % keys.len()], 100)),
                    (other, Beside::Write(keys[other % keys.len()], 200)),
                    ((one + other) % 17, Beside::Failover),
                ];
                let world = run(spec, &beside);
                assert_eq!(
                    world.target, world.newest,
                    "{spec}, writes after {one} and {other}\n{}",
                    world.text
                );
            }
        }
    }
}
