//! Loss: what a server that ended in the midst of its work had acknowledged and did not have when it came back,
//! and how long it took to come back.
//!
//! Its one idea: claimed beside observed. What a setting claims is said in words that follow from the setting alone; a
//! loss beyond it is a finding, a loss within it is the price of the setting.

mod claim;

use super::Page;
use super::persistence;
use crate::block::{Block, Entry, Table, Text, Tone};
use crate::cell::{Cell, cells};
use crate::number::{self, bytes, ratio, time_ms, whole};
use crate::plot::axis::Axis;
use crate::plot::palette::Palette;
use crate::plot::rows::{RowMark, Rows};
use crate::row::Row;
use crate::run::Run;
use claim::{Claim, End, LATE_MS};

/// The page.
pub const PAGE: Page = Page {
    name: "loss",
    title: "Loss and restart",
    about: "what a server lost of what it had acknowledged when it was killed or its power failed, and when it served again",
    source: "a witness that writes growing numbers; claims follow from appendonly, appendfsync and save",
    build,
};

/// A cell whose server ended and came back.
struct Ended<'a> {
    cell: Cell<'a>,
    end: End,
    claim: Claim,
    /// How old the oldest lost write was in each repetition, in ms.
    oldest_ms: Vec<f64>,
    /// Over all repetitions.
    lost: f64,
    acked: f64,
}

impl Ended<'_> {
    /// The worst of its repetitions.
    fn worst_ms(&self) -> f64 {
        self.oldest_ms.iter().copied().fold(0.0, f64::max)
    }

    fn holds(&self) -> bool {
        self.claim.covers(self.lost, self.worst_ms())
    }
}

fn ended(rows: &[Row]) -> Vec<Ended<'_>> {
    let figure = |cell: &Cell<'_>, name: &str| {
        let values = cell.rows.iter();
        let values = values.filter_map(|row| row.extra.get(name)?.as_f64());
        values.collect::<Vec<f64>>()
    };
    cells(rows)
        .into_iter()
        .filter_map(|cell| {
            let oldest_ms = figure(&cell, "lost_ms");
            let end = End::of(cell.settings);
            (!oldest_ms.is_empty()).then(|| Ended {
                end,
                claim: Claim::of(cell.settings, end),
                oldest_ms,
                lost: figure(&cell, "witness_lost").iter().sum(),
                acked: figure(&cell, "witness_acked").iter().sum(),
                cell,
            })
        })
        .collect()
}

/// What was left, a table for each way to end.
pub(crate) fn tables(rows: &[Row]) -> Vec<Table> {
    let all = ended(rows);
    let of = |end| {
        let all = all.iter().filter(|ended| ended.end == end);
        table(end, &all.collect::<Vec<_>>())
    };
    vec![of(End::Kill), of(End::Power)]
}

fn build(run: &Run) -> Vec<Block> {
    let all = ended(&run.rows);
    let mut blocks: Vec<Block> = run.setup.not_run.iter().map(|what| not_run(what)).collect();
    if all.is_empty() {
        blocks.extend(Block::absent(
            "servers that were killed, or whose power failed, and that came back",
            "seawall bench --target spawn:seawall --workload session --config end=kill --config appendonly=yes",
        ));
        return blocks;
    }
    blocks.insert(0, finding(&all));
    blocks.push(Block::paragraph(
        "Beside the workload a witness writes one growing number a millisecond, by turns to 16 keys. When the clock has \
         stopped the load goes on, and the server ends in the midst of it, at a moment that the seed decides. What the \
         witness had been promised and does not find when the server is back is lost; the age of a loss is how long \
         before the end the oldest of it had been acknowledged, in the worst repetition. Served again: from the start of \
         the program to the first answer to a read of these keys.",
    ));
    let (killed, dark): (Vec<_>, Vec<_>) = all.iter().partition(|ended| ended.end == End::Kill);
    if !killed.is_empty() {
        blocks.push(Block::heading("Killed"));
        blocks.push(Block::paragraph(
            "By SIGKILL: the process is gone, and the system has all that it was given.",
        ));
        let mut recovered = killed.iter().map(|ended| ended.cell.extra("recovered_ms"));
        if recovered.any(|time| time.is_some()) {
            blocks.push(Block::paragraph(
                "As fast as before: to the end of the first of three slices of 50 ms with nine tenths of the answers \
                 that there were before.",
            ));
        }
        blocks.push(restarts(&killed));
        blocks.push(Block::Table(table(End::Kill, &killed)));
    }
    if !dark.is_empty() {
        blocks.push(Block::heading("Power failure"));
        let words = format!(
            "The server's folder lies in the harness's memory, behind FUSE, where what was written is kept apart from what \
             was synced. At the end nothing is written or synced any more, the server is killed, all that was not synced \
             is dropped, and the server is started again on what is left. A disk may have written some of that by itself: \
             this is the most that is lost. How fast a server is there says nothing of a disk, so these cells have no \
             figures of speed. A loss may be {} older than the setting says: a sync takes its time.",
            time_ms(LATE_MS)
        );
        blocks.push(Block::paragraph(words.as_str()));
        blocks.push(ages(&dark));
        blocks.push(Block::Table(table(End::Power, &dark)));
    }
    blocks
}

fn not_run(what: &str) -> Block {
    Block::Note {
        tone: Tone::Bad,
        text: Text::new().strong("Not run: ").plain(what),
    }
}

fn finding(all: &[Ended<'_>]) -> Block {
    let beyond = all.iter().filter(|ended| !ended.holds()).count();
    let count = |end| all.iter().filter(|ended| ended.end == end).count();
    let tried = format!(
        " Cells whose server was killed: {}; whose power failed: {}.",
        count(End::Kill),
        count(End::Power)
    );
    let (tone, who) = if beyond == 0 {
        (Tone::Good, "Nobody".to_owned())
    } else {
        (Tone::Bad, format!("{beyond} of {}", all.len()))
    };
    let words = format!(
        "{who} lost more than the setting claims ({} more where it claims a time).",
        time_ms(LATE_MS)
    );
    Block::Finding {
        tone,
        text: Text::new().strong(words).plain(tried),
    }
}

/// When those that were killed served again.
fn restarts(all: &[&Ended<'_>]) -> Block {
    let figures = |ended: &Ended<'_>| {
        let restart = ended.cell.extra("restart_ms");
        let figure = restart.map_or_else(|| number::ABSENT.into(), time_ms);
        let tip = format!("served again after {figure}");
        (restart, figure, tip)
    };
    let rows = marks(all, |ended, mark| {
        let (value, figure, tip) = figures(ended);
        RowMark {
            value,
            figure,
            tip: format!("{}: {tip}", mark.name),
            ..mark
        }
    });
    plot(
        "From the second start to the first answer",
        rows,
        "Medians over repetitions.",
    )
}

/// How old what was lost was, beside what may be lost.
fn ages(all: &[&Ended<'_>]) -> Block {
    let rows = marks(all, |ended, mark| {
        let worst = ended.worst_ms();
        let figure = time_ms(worst);
        let claimed = ended.claim.words();
        RowMark {
            value: Some(worst),
            bound: ended.claim.bound_ms(),
            dots: ended.oldest_ms.clone(),
            tip: format!("{}: {figure}; may be lost: {claimed}", mark.name),
            figure,
            ..mark
        }
    });
    plot(
        "Age of the oldest acknowledged write that was lost",
        rows,
        "Bars are the worst repetition, marks all of them; a line is what the setting claims, where it claims a time.",
    )
}

/// A row of a plot for each cell, by workload and target, as `fill` completes it.
fn marks(all: &[&Ended<'_>], fill: impl Fn(&Ended<'_>, RowMark) -> RowMark) -> Vec<RowMark> {
    let names = names(all);
    let palette = Palette::new(names.iter().map(String::as_str));
    let rows = all.iter().zip(&names).map(|(ended, name)| {
        let mark = RowMark {
            group: format!("{} · {}", ended.cell.workload, ended.cell.target),
            name: name.clone(),
            look: palette.look(name),
            value: None,
            interval: None,
            bound: None,
            dots: Vec::new(),
            figure: String::new(),
            tip: String::new(),
        };
        fill(ended, mark)
    });
    let mut rows: Vec<RowMark> = rows.collect();
    rows.sort_by(|a, b| a.group.cmp(&b.group));
    rows
}

/// What each is called in a plot: what is set of persistence where that tells all apart, for it is short.
fn names(all: &[&Ended<'_>]) -> Vec<String> {
    let short = |ended: &&Ended<'_>| match persistence::setting(ended.cell.settings, false) {
        words if words.is_empty() => "neither log nor snapshots".to_owned(),
        words => words,
    };
    let names: Vec<String> = all.iter().map(short).collect();
    let place = |at: usize| (all[at].cell.workload, all[at].cell.target, &names[at]);
    let is_told_apart = (0..all.len()).all(|at| (0..at).all(|other| place(other) != place(at)));
    if is_told_apart {
        names
    } else {
        all.iter().map(|ended| ended.cell.config.clone()).collect()
    }
}

fn plot(title: &str, rows: Vec<RowMark>, caption: &str) -> Block {
    let values = rows
        .iter()
        .flat_map(|row| row.value.into_iter().chain(row.bound));
    let plot = Rows {
        title: title.into(),
        axis: Axis::from_zero("time", values, time_ms),
        rows,
        bars: true,
        reference: None,
    };
    Block::Plot {
        svg: plot.svg(),
        caption: caption.into(),
    }
}

fn table(end: End, all: &[&Ended<'_>]) -> Table {
    let title = match end {
        End::Kill => "What was left when a server had been killed",
        End::Power => "What was left when the power had failed",
    };
    let mut table = Table::new(
        title,
        &[
            "workload",
            "target",
            "configuration",
            "#runs",
            "may be lost",
            "#acknowledged writes lost",
            "#oldest of them",
            "#served again",
            "#as fast as before",
            "#on disk",
            "#written to the disk, a payload byte",
        ],
    );
    for ended in all {
        let cell = &ended.cell;
        let figure = |name: &str, format: number::Format| {
            let figure = cell.extra(name);
            Entry::from(figure.map_or_else(|| number::ABSENT.into(), format))
        };
        let written = cell.extra("written_bytes").zip(cell.extra("payload_bytes"));
        let amplified = written.filter(|(_, payload)| *payload > 0.0);
        let age = if ended.lost > 0.0 {
            time_ms(ended.worst_ms())
        } else {
            number::ABSENT.into()
        };
        let tone = if ended.holds() {
            Tone::Plain
        } else {
            Tone::Bad
        };
        let lost = format!(
            "{} of {}",
            whole(ended.lost as u64),
            whole(ended.acked as u64)
        );
        table.push(vec![
            cell.workload.into(),
            cell.target.into(),
            cell.config.as_str().into(),
            cell.rows.len().to_string().into(),
            ended.claim.words().into(),
            Entry::from(lost).tone(tone).strong_if(tone == Tone::Bad),
            Entry::from(age).tone(tone).strong_if(tone == Tone::Bad),
            figure("restart_ms", time_ms),
            figure("recovered_ms", time_ms),
            figure("disk_bytes", bytes),
            amplified
                .map_or_else(
                    || number::ABSENT.into(),
                    |(written, payload)| ratio(written / payload),
                )
                .into(),
        ]);
    }
    table.without_empty_columns()
}
