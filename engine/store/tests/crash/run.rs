//! A run: a store that is asked things, and what has to be left of it if it ends now.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use seawall_store::command::Keys;
use seawall_store::disk::{Fault, MemoryDisk, PowerLoss};
use seawall_store::log::Fsync;
use seawall_store::{Reply, StoreConfig};

use crate::draw::{Asked, Draw};
use crate::judge::History;
use crate::world::{Alone, State, config, op};

/// A snapshot is begun, where none is being made, at one of so many steps.
const SAVES_RARE: u32 = 50;

/// A collection of so many elements, each of so many bytes, is not loaded at once.
const LARGE_ELEMENTS: usize = 40;
const LARGE_ELEMENT_BYTES: usize = 8_000;

/// A setting: when logs are synced, and whether the disk takes its time for syncs that nobody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    pub fsync: Fsync,
    pub slow: bool,
}

impl Setting {
    /// Every setting.
    pub const ALL: [Setting; 7] = [
        Setting::new(Fsync::Always, false),
        Setting::new(Fsync::EVERYSEC, false),
        Setting::new(Fsync::EVERYSEC, true),
        Setting::new(Fsync::No, false),
        Setting::new(Fsync::Always, true),
        Setting::new(Fsync::Interval(100), false),
        Setting::new(Fsync::Bounded(400), false),
    ];

    const fn new(fsync: Fsync, slow: bool) -> Setting {
        Setting { fsync, slow }
    }
}

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The process is killed: what was written is there.
    Killed,
    /// The machine loses power, and this is left of what was not synced.
    Power(PowerLoss),
}

/// A run, whose disk and history can be looked at after each step.
pub struct Run {
    pub disk: MemoryDisk,
    pub history: History,
    setting: Setting,
    now: u64,
    live: Alone,
    model: Alone,
    random: Xoshiro256PlusPlus,
    number: u64,
    /// Tags that are not answered, with the numbers of their ops.
    asked: Vec<(u64, usize)>,
    /// The tag of the snapshot that is being made, and how many were.
    saving: Option<u64>,
    saves: usize,
    /// Whether what was asked last may go over several shards.
    was_wide: bool,
    /// The times of each worker's last turns: the last one, and the one before it.
    turned: Vec<[u64; 2]>,
    works: bool,
}

impl Run {
    pub fn new(seed: u64, setting: Setting, disk: MemoryDisk) -> Run {
        let now = 1_000_000;
        let open = |disk| Alone::open(config(disk, setting.fsync, now)).expect("it opens");
        let (live, mut model) = (open(Some(&disk)), open(None));
        let history = History {
            states: vec![model.state(now).expect("nothing fails")],
            times: vec![now],
        };
        let turned = vec![[now; 2]; live.workers()];
        Run {
            disk,
            history,
            setting,
            now,
            live,
            model,
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
            number: 0,
            asked: Vec::new(),
            saving: None,
            saves: 0,
            was_wide: false,
            turned,
            works: true,
        }
    }

    /// Goes on from a snapshot that is not in memory yet, with collections so large that who wants one has to wait.
    pub fn begin_cold(&mut self) {
        let element = format!(" {}", "x".repeat(LARGE_ELEMENT_BYTES));
        for list in ["l0", "l1"] {
            let words = format!("rpush {list}{}", element.repeat(LARGE_ELEMENTS));
            let words: Vec<&str> = words.split(' ').collect();
            self.put(&op(&words, 0), false);
        }
        self.drain();
        assert!(self.live.save_all(self.now).is_ok(), "nothing fails");
        let open = |disk| {
            let config = config(disk, self.setting.fsync, self.now);
            Alone::open(StoreConfig {
                load_at_once_bytes: 0,
                ..config
            })
            .expect("it opens")
        };
        // Only one has the folder open.
        drop(std::mem::replace(&mut self.live, open(None)));
        self.live = open(Some(&self.disk));
    }

    /// Answers are said that are to be withheld.
    pub fn be_hasty(&mut self) {
        self.live.is_hasty = true;
    }

    /// How many snapshots were made.
    pub fn saves(&self) -> usize {
        self.saves
    }

    /// How many ops were asked for.
    pub fn ops(&self) -> usize {
        self.history.states.len() - 1
    }

    /// Goes on by a step; whether the log still works.
    pub fn step(&mut self) -> bool {
        if self.saving.is_none() && self.random.random_ratio(1, SAVES_RARE) {
            // What comes of it does not depend on what is asked meanwhile.
            self.saving = Some(self.live.save());
        }
        match self.random.random_range(0..10) {
            0..5 => self.ask(),
            5..8 => self.listen(),
            8 => {
                // An op is done at the time of its turn: none is left from before.
                self.drain();
                let until = self.now + self.random.random_range(0..900);
                // Where age bounds what is accepted, turns are never far apart, as a server's are not.
                let bounded = matches!(self.setting.fsync, Fsync::Bounded(_));
                let most = if bounded { 50 } else { 900 };
                while self.now < until && self.works {
                    self.now = until.min(self.now + most);
                    let turned = if bounded { self.live.workers() } else { 0 };
                    (0..turned).for_each(|number| self.turn(number));
                }
            }
            _ if self.setting.slow => self.disk.hold_syncs(self.random.random()),
            _ => {}
        }
        self.works
    }

    /// Asks something, and what comes of it in the model.
    fn ask(&mut self) {
        let mut draw = Draw {
            random: &mut self.random,
            number: self.number,
            now: self.now,
        };
        let (asked, is_wide) = draw.next();
        self.number = draw.number;
        let is_about_all = matches!(&asked, Asked::Op(op) if op.command().keys == Keys::Every);
        // That is refused while some are not in memory.
        if !(is_about_all && self.live.store.is_loading()) {
            self.put(&asked, is_wide);
        }
    }

    fn put(&mut self, asked: &Asked, is_wide: bool) {
        // What is done at once is done at the time of the last turn.
        while self.turned.iter().any(|[last, _]| *last < self.now) {
            self.listen();
        }
        // What goes over several shards is done in the order in which it was asked, and so is what goes to one, but
        // not one beside the other.
        let is_wide = is_wide && self.live.is_wide(asked);
        if is_wide != self.was_wide || matches!(asked, Asked::Transaction(_)) {
            self.drain();
        }
        self.was_wide = is_wide;
        self.model.execute(asked, self.now);
        let state = self.model.state(self.now).expect("nothing fails");
        self.history.states.push(state);
        self.history.times.push(self.now);
        let tag = self.live.ask(asked);
        self.asked.push((tag, self.ops()));
    }

    /// Turns until all is answered, or the log fails.
    fn drain(&mut self) {
        // A full segment is followed by the next one when no sync of it is under way: a slow disk ends it some day.
        self.disk.hold_syncs(false);
        while self.works && !self.asked.is_empty() {
            self.listen();
        }
    }

    /// Turns a worker, and hears what was answered.
    fn listen(&mut self) {
        let number = self.random.random_range(0..self.live.workers());
        self.turn(number);
    }

    fn turn(&mut self, number: usize) {
        self.live.turn(number, self.now);
        let [last, _] = self.turned[number];
        self.turned[number] = [self.now, last];
        for (tag, reply) in self.live.answered() {
            if self.saving == Some(tag) {
                self.saving = None;
                self.saves += usize::from(reply.is_ok());
            } else if tells_failure(&reply) {
                self.works = false;
            } else {
                let words = format!("{reply:?}");
                assert!(
                    !words.contains("NOTDURABLE"),
                    "the disk is never late: {words}"
                );
                self.asked.retain(|(asked, _)| *asked != tag);
            }
        }
    }

    /// The last op that was answered, with all before it.
    fn acknowledged(&self) -> usize {
        let before = self.asked.first().map(|(_, op)| op - 1);
        before.unwrap_or(self.ops())
    }

    /// The last op that may not be lost if the run ends so, now.
    pub fn promised(&self, end: End) -> usize {
        match (end, self.setting.fsync) {
            (End::Killed, _) | (End::Power(_), Fsync::Always) => self.acknowledged(),
            (End::Power(_), Fsync::Interval(ms) | Fsync::Bounded(ms)) if !self.setting.slow => {
                // A sync begins so long after the last one, or a turn later where a segment begins.
                let turned = self.turned.iter().map(|[_, before]| *before).min();
                let before = turned.unwrap_or(0).saturating_sub(ms);
                let old = self.history.times.iter().rposition(|time| *time < before);
                old.unwrap_or(0).min(self.acknowledged())
            }
            (End::Power(_), Fsync::Interval(_) | Fsync::Bounded(_) | Fsync::No) => 0,
        }
    }

    /// Ends so on `disk`, opens what is left of it with so many shards, and judges that: what is there, or what is wrong
    /// with it.
    pub fn check(
        &self,
        disk: &MemoryDisk,
        end: End,
        seed: u64,
        (promised, shards): (usize, usize),
    ) -> Result<State, String> {
        match end {
            End::Power(loss) => disk.lose_power(loss, seed),
            End::Killed => disk.fail_at(u64::MAX, Fault::PowerOff),
        }
        let found = self.open(disk, shards)?;
        self.judge(&found, promised)?;
        Ok(found)
    }

    /// Judges what was found now.
    pub fn judge(&self, found: &State, promised: usize) -> Result<(), String> {
        self.history.judge(found, promised, self.now)
    }

    /// What is there when a store of so many shards is opened on `disk`.
    pub fn open(&self, disk: &MemoryDisk, shards: usize) -> Result<State, String> {
        // Half of them serve from blocks of the snapshot, and have the log replayed over them.
        let config = StoreConfig {
            shards,
            load_at_once_bytes: if self.number.is_multiple_of(2) {
                0
            } else {
                u64::MAX
            },
            ..config(Some(disk), self.setting.fsync, self.now)
        };
        let mut found = Alone::open(config).map_err(|error| error.to_string())?;
        found.state(self.now)
    }
}

fn tells_failure(reply: &Reply) -> bool {
    match reply {
        Reply::Error(words) => words.contains("MISCONF"),
        Reply::Array(replies) => replies.iter().any(tells_failure),
        _ => false,
    }
}
