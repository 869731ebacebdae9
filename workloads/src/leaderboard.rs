//! Leaderboards: players submit points and look at the top, at their rank, and at who is near.
//!
//! ```text
//!  submit      ZINCRBY board points player   or   ZADD board score player
//!  top         ZREVRANGE board 0 n WITHSCORES
//!  rank        ZREVRANK board player
//!  neighbours  ZREVRANK, then ZREVRANGE board rank-k rank+k WITHSCORES
//! ```
//!
//! Its one idea: boards are shared by all clients and players are not, so each client knows its own
//! players' scores exactly, and every range must show them at these scores, in order, none left out.
//! Points are whole, so sums are exact.

use std::collections::VecDeque;

use seawall_store::command::{Command, sorted_set};
use seawall_store::{Op, Reply};

use crate::catalog::{Definition, Part};
use crate::dist::{Exponential, Rng, Zipf};
use crate::ranking::{Ranking, Standing};
use crate::settings::{Param, Preset, Settings, WorkloadError};
use crate::{Mismatch, Workload};

/// Leaderboards as the list has them.
pub static DEFINITION: Definition = Definition {
    name: "leaderboard",
    about: "players submit points, look at the top, at their rank and at their neighbours",
    source: "redis-benchmarks-specification leaderboard-top-100",
    params: &[
        Param::whole(
            "players",
            1,
            1 << 28,
            "players, of all clients; each is on one board",
        ),
        Param::whole("boards", 1, 1 << 24, "boards, each a sorted set"),
        Param::real("zipf", 0.0, 8.0, "exponent of the players' activity"),
        Param::real(
            "points_mean",
            0.0,
            1e6,
            "mean of the points that a submit is about",
        ),
        Param::share("submits", "share of requests that submit"),
        Param::share(
            "adds",
            "share of submits that add to the score; the others set it",
        ),
        Param::share("tops", "share of requests that look at the top"),
        Param::whole("top", 1, 10_000, "how many players the top shows"),
        Param::share(
            "neighbours",
            "share of looks at a rank that then show who is near",
        ),
        Param::whole("near", 1, 1000, "how many players to show above and below"),
    ],
    presets: &[Preset {
        name: "arcade",
        toml: include_str!("../presets/leaderboard.arcade.toml"),
    }],
    build: |settings, part| Ok(Box::new(Leaderboard::new(settings, part)?)),
};

/// One client of a game's leaderboards.
pub struct Leaderboard {
    part: Part,
    /// By own player: the score that the store must have.
    scores: Vec<Option<i64>>,
    boards: Vec<Ranking>,
    /// By board: own players whose score is not known.
    unknown: Vec<usize>,
    activity: Zipf,
    points: Exponential,
    submits: f64,
    adds: f64,
    tops: f64,
    top: u64,
    neighbours: f64,
    near: u64,
    /// The next board and the next of its players to load.
    to_load: (u64, u64),
    queue: VecDeque<Op>,
    rng: Rng,
    /// Apart from `rng`, so that what `next` draws does not depend on when replies come.
    follow: Rng,
}

impl Leaderboard {
    /// Players in one op of the preload.
    const BATCH: usize = 64;
    /// Initial scores are as of this many submits.
    const SUBMITS_BEFORE: f64 = 20.0;

    /// Client `part` with these settings.
    ///
    /// # Errors
    /// Settings that do not go together.
    pub fn new(settings: &Settings, part: Part) -> Result<Leaderboard, WorkloadError> {
        let (owned, boards) = (
            part.owned(settings.whole("players")),
            settings.whole("boards"),
        );
        if owned == 0 {
            let why = format!(
                "`players` must be at least the number of clients, {}",
                part.clients
            );
            return Err(settings.conflict(why));
        }
        let (submits, tops) = (settings.real("submits"), settings.real("tops"));
        if submits + tops > 1.0 {
            return Err(settings.conflict("`submits` and `tops` are more than 1 together"));
        }
        let mut unknown = vec![(owned / boards) as usize; boards as usize];
        unknown[..(owned % boards) as usize]
            .iter_mut()
            .for_each(|players| *players += 1);
        Ok(Leaderboard {
            part,
            scores: vec![None; owned as usize],
            boards: vec![Ranking::default(); boards as usize],
            unknown,
            activity: Zipf::new(owned, settings.real("zipf")),
            points: Exponential::new(settings.real("points_mean")),
            submits,
            adds: settings.real("adds"),
            tops,
            top: settings.whole("top"),
            neighbours: settings.real("neighbours"),
            near: settings.whole("near"),
            to_load: (0, 0),
            queue: VecDeque::new(),
            rng: Rng::stream(part.seed, part.client, "games"),
            follow: Rng::stream(part.seed, part.client, "neighbours"),
        })
    }

    fn board_of(&self, player: u64) -> u64 {
        player % self.boards.len() as u64
    }

    fn op(command: &'static Command, board: u64) -> Op {
        Op::new(command).text(format_args!("board:{board}"))
    }

    /// A player's member: digits of one width, so that members sort as numbers do.
    fn member(&self, op: Op, player: u64) -> Op {
        op.text(format_args!("p{:011}", self.part.global(player)))
    }

    fn window(board: u64, begin: u64, end: u64) -> Op {
        let op = Leaderboard::op(&sorted_set::range::ZREVRANGE, board);
        op.text(begin).text(end).arg("WITHSCORES")
    }

    /// What the store must have for `player` from now on, where that is known.
    fn set(&mut self, player: u64, score: Option<i64>) {
        let board = self.board_of(player) as usize;
        let old = std::mem::replace(&mut self.scores[player as usize], score);
        let number = self.part.global(player);
        let old = old.map(|score| (score, number));
        match (old, score) {
            (None, None) => {}
            (Some(old), None) => {
                self.boards[board].take(old);
                self.unknown[board] += 1;
            }
            (_, Some(score)) => {
                self.unknown[board] -= usize::from(old.is_none());
                self.boards[board].put(old, (score, number));
            }
        }
    }

    fn check_rank(&mut self, op: &Op, reply: &Reply) -> Result<(), String> {
        let (board, player) = (parse_board(op), self.own(&op[1]).expect("an op of ours"));
        let known = self.scores[player as usize];
        let Reply::Int(rank) = *reply else {
            if *reply != Reply::Nil {
                return Err("a rank is right".to_owned());
            }
            if known.is_some() {
                self.set(player, None);
                return Err("the player is on the board".to_owned());
            }
            return Ok(());
        };
        if self.follow.chance(self.neighbours) {
            let rank = u64::try_from(rank).unwrap_or(0);
            let begin = rank.saturating_sub(self.near);
            self.queue.push_back(Leaderboard::window(
                board,
                begin,
                rank.saturating_add(self.near),
            ));
        }
        let Some(score) = known else { return Ok(()) };
        let standing = (score, self.part.global(player));
        let least = self.boards[board as usize].above(standing) as i64;
        // Other clients' players may be anywhere; alone, only those that are not known may.
        let most = if self.part.clients == 1 {
            least + self.unknown[board as usize] as i64
        } else {
            i64::MAX
        };
        if (least..=most).contains(&rank) {
            Ok(())
        } else if most == i64::MAX {
            Err(format!("{least} of this client's own players are above"))
        } else {
            Err(format!("a rank from {least} to {most} is right"))
        }
    }

    fn check_window(&mut self, op: &Op, reply: &Reply) -> Result<(), String> {
        let Reply::Array(items) = reply else {
            return Err("members and scores are right".to_owned());
        };
        let (board, begin, end) = (parse_board(op), parse(&op[1]), parse(&op[2]));
        let (Some(begin), Some(end)): (Option<u64>, Option<u64>) = (begin, end) else {
            panic!("{op:?} is not an op that this workload gave");
        };
        let wanted = (end - begin + 1) as usize;
        let shown = standings(items)?;
        if shown.len() > wanted {
            return Err(format!("{wanted} members were asked for"));
        }
        if let Some(at) = (1..shown.len()).find(|&at| shown[at - 1] <= shown[at]) {
            let (before, after) = (shown[at - 1], shown[at]);
            return Err(format!("{before:?} stands before {after:?}"));
        }
        let mut own = 0;
        let mut wrong = None;
        for &(score, number) in &shown {
            let Some(player) = self.part.local(number) else {
                continue;
            };
            if player >= self.scores.len() as u64 || self.board_of(player) != board {
                return Err(format!("player {number} is not on this board"));
            }
            own += 1;
            let known = self.scores[player as usize];
            if known == Some(score) {
                continue;
            }
            self.set(player, Some(score));
            wrong = wrong.or(known.map(|right| (number, right)));
        }
        if let Some((number, right)) = wrong {
            return Err(format!("player {number} has {right} points"));
        }
        // None of our own may be missing from the stretch that was shown.
        let ranking = &self.boards[board as usize];
        let right = match (shown.first(), shown.last()) {
            (Some(&first), Some(&last)) => {
                let full = shown.len() == wanted;
                let low = if full { last } else { Ranking::LOWEST };
                ranking.between(low, if begin == 0 { Ranking::HIGHEST } else { first })
            }
            _ if begin == 0 => ranking.len(),
            _ => own,
        };
        if right == own {
            Ok(())
        } else {
            Err(format!(
                "{right} of this client's players belong here, {own} are"
            ))
        }
    }

    /// The own player whose member this is.
    fn own(&self, member: &[u8]) -> Option<u64> {
        self.part.local(parse_member(member)?)
    }
}

/// Standings as a range shows them, by players' numbers.
fn standings(items: &[Reply]) -> Result<Vec<Standing>, String> {
    if !items.len().is_multiple_of(2) {
        return Err("members and scores come in pairs".to_owned());
    }
    let pairs = items.chunks_exact(2).map(|pair| match pair {
        [Reply::Bulk(member), Reply::Bulk(score)] => Some((parse(score)?, parse_member(member)?)),
        _ => None,
    });
    let pairs: Option<Vec<Standing>> = pairs.collect();
    pairs.ok_or_else(|| "a player and a whole score are right".to_owned())
}

fn parse<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn parse_member(member: &[u8]) -> Option<u64> {
    parse(member.strip_prefix(b"p")?)
}

fn parse_board(op: &Op) -> u64 {
    let number = op[0].strip_prefix(b"board:").and_then(parse);
    number.expect("an op that this workload gave")
}

impl Workload for Leaderboard {
    fn preload(&mut self) -> Option<Op> {
        let boards = self.boards.len() as u64;
        let (mut board, mut player) = self.to_load;
        while player >= self.scores.len() as u64 {
            board += 1;
            player = board;
            if board >= boards || player >= self.scores.len() as u64 {
                return None;
            }
        }
        let mut op = Leaderboard::op(&sorted_set::add::ZADD, board);
        for _ in 0..Leaderboard::BATCH {
            if player >= self.scores.len() as u64 {
                break;
            }
            let score = self.points.sample(&mut self.rng) * Leaderboard::SUBMITS_BEFORE;
            op = self.member(op.text(score as i64), player);
            player += boards;
        }
        self.to_load = (board, player);
        Some(op)
    }

    fn next(&mut self) -> Op {
        if let Some(op) = self.queue.pop_front() {
            return op;
        }
        let kind = self.rng.unit();
        let player = self.activity.sample(&mut self.rng);
        let board = self.board_of(player);
        if kind < self.submits {
            let points = 1 + self.points.sample(&mut self.rng) as i64;
            if self.rng.chance(self.adds) {
                let op = Leaderboard::op(&sorted_set::add::ZINCRBY, board).text(points);
                return self.member(op, player);
            }
            let before = self.scores[player as usize].unwrap_or(0);
            let op = Leaderboard::op(&sorted_set::add::ZADD, board).text(before + points);
            return self.member(op, player);
        }
        if kind < self.submits + self.tops {
            return Leaderboard::window(board, 0, self.top - 1);
        }
        let op = Leaderboard::op(&sorted_set::read::ZREVRANK, board);
        self.member(op, player)
    }

    fn observe(&mut self, op: &Op, reply: &Reply) -> Result<(), Mismatch> {
        let right = match (op.command().name, reply) {
            ("zadd", Reply::Int(added)) => {
                let pairs = (op.len() - 1) / 2;
                let mut known = 0;
                for pair in 0..pairs {
                    let player = self.own(&op[2 + 2 * pair]).expect("an op of ours");
                    known += usize::from(self.scores[player as usize].is_some());
                    self.set(player, parse(&op[1 + 2 * pair]));
                }
                // Those whose score is not known may be there or not.
                if (0..=(pairs - known) as i64).contains(added) {
                    Ok(())
                } else {
                    Err(format!("at most {} players are new", pairs - known))
                }
            }
            ("zincrby", Reply::Bulk(text)) => {
                let player = self.own(&op[2]).expect("an op of ours");
                let known = self.scores[player as usize];
                let right = known
                    .zip(parse::<i64>(&op[1]))
                    .map(|(score, points)| score + points);
                let score = parse::<i64>(text);
                self.set(player, score);
                match (score, right) {
                    (None, _) => Err("a whole score is right".to_owned()),
                    (score, right) if right.is_some() && right != score => {
                        Err(format!("{} is right", right.unwrap_or_default()))
                    }
                    _ => Ok(()),
                }
            }
            ("zrevrank", reply) => self.check_rank(op, reply),
            ("zrevrange", reply) => self.check_window(op, reply),
            ("zadd", _) => Err("a number is right".to_owned()),
            _ => Err("a score is right".to_owned()),
        };
        right.map_err(|why| Mismatch::new(op, reply, why))
    }

    fn unanswered(&mut self, op: &Op) {
        if op.command().name == "zadd" || op.command().name == "zincrby" {
            for i in 1..op.len() {
                if let Some(player) = self.own(&op[i]) {
                    self.set(player, None);
                }
            }
        }
    }
}
