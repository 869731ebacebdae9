//! Loss: what a server that ended in the midst of its work had acknowledged and did not have when it came back,
//! and how long it took to come back.
//!
//! Its one idea: claimed beside observed. What a setting claims is said in words that follow from the setting alone; a
//! loss beyond it is a finding, a loss within it is the price of the setting.

use serde_json::{Map, Value};

use super::Page;
use super::persistence::{has_log, has_snapshots};
use crate::block::{Block, Entry, Table, Text, Tone};
use crate::cell::{Cell, cells};
use crate::number::{self, bytes, ratio, time_ms, whole};
use crate::plot::axis::Axis;
use crate::plot::palette::Palette;
use crate::plot::rows::{RowMark, Rows};
use crate::run::Run;

/// The page.
pub const PAGE: Page = Page {
    name: "loss",
    title: "Loss and restart",
    about: "what a server lost of what it had acknowledged when it was killed, and when it served again",
    source: "a witness that writes growing numbers; claims follow from appendonly, appendfsync and save",
    build,
};

/// What a configuration claims of its end.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Claim {
    /// Nothing that was acknowledged is lost.
    Nothing,
    /// What came after the last snapshot is.
    SinceSnapshot,
    /// All is.
    Everything,
}

impl Claim {
    fn of(settings: &Map<String, Value>) -> Claim {
        // What was given to the system before it was acknowledged outlives the process, however it syncs.
        if has_log(settings) {
            Claim::Nothing
        } else if has_snapshots(settings) {
            Claim::SinceSnapshot
        } else {
            Claim::Everything
        }
    }

    fn words(self) -> &'static str {
        match self {
            Claim::Nothing => "nothing",
            Claim::SinceSnapshot => "what came after the last snapshot",
            Claim::Everything => "everything",
        }
    }
}

/// A cell whose server ended and came back.
struct Ended<'a> {
    cell: Cell<'a>,
    claim: Claim,
    /// The worst of its repetitions: how old the oldest lost write was, in ms.
    lost_ms: f64,
    /// Over all repetitions.
    lost: f64,
    acked: f64,
}

impl Ended<'_> {
    fn holds(&self) -> bool {
        self.claim != Claim::Nothing || self.lost == 0.0
    }
}

fn ended(run: &Run) -> Vec<Ended<'_>> {
    let figure = |cell: &Cell<'_>, name: &str| {
        let values = cell.rows.iter();
        let values = values.filter_map(|row| row.extra.get(name)?.as_f64());
        values.collect::<Vec<f64>>()
    };
    cells(&run.rows)
        .into_iter()
        .filter_map(|cell| {
            let worst = figure(&cell, "lost_ms").into_iter().reduce(f64::max)?;
            Some(Ended {
                claim: Claim::of(cell.settings),
                lost_ms: worst,
                lost: figure(&cell, "witness_lost").iter().sum(),
                acked: figure(&cell, "witness_acked").iter().sum(),
                cell,
            })
        })
        .collect()
}

fn build(run: &Run) -> Vec<Block> {
    let all = ended(run);
    if all.is_empty() {
        return Block::absent(
            "servers that were killed and came back",
            "seawall bench --target spawn:seawall --workload session --config end=kill --config appendonly=yes",
        );
    }
    let beyond = all.iter().filter(|ended| !ended.holds()).count();
    let (tone, text) = if beyond == 0 {
        let text = Text::new().strong("Nobody lost more than the setting claims.");
        (Tone::Good, text)
    } else {
        let words = format!(
            "{beyond} of {} lost more than the setting claims.",
            all.len()
        );
        (Tone::Bad, Text::new().strong(words))
    };
    vec![
        Block::Finding { tone, text },
        Block::paragraph(
            "Beside the workload a witness writes one growing number a millisecond, by turns to 16 keys. When the clock \
             stops the server is killed (SIGKILL) and started again in its folder. What the witness had been promised and \
             does not find is lost; the age of a loss is how long before the end the oldest of it had been acknowledged. \
             Served again: from the start of the program to the first answer to a read of these keys; as fast as before: to the \
             end of the first of three slices of 50 ms with nine tenths of the answers that there were before.",
        ),
        plot(&all),
        Block::Table(table(&all).without_empty_columns()),
    ]
}

fn plot(all: &[Ended<'_>]) -> Block {
    let palette = Palette::new(all.iter().map(|ended| ended.cell.config.as_str()));
    let rows = all.iter().map(|ended| {
        let cell = &ended.cell;
        let restart = cell.extra("restart_ms");
        let figure = restart.map_or_else(|| number::ABSENT.into(), time_ms);
        RowMark {
            group: format!("{} · {}", cell.workload, cell.target),
            name: cell.config.clone(),
            look: palette.look(&cell.config),
            value: restart,
            interval: None,
            dots: Vec::new(),
            tip: format!("{}: served again after {figure}", cell.config),
            figure,
        }
    });
    let mut rows: Vec<RowMark> = rows.collect();
    rows.sort_by(|a, b| a.group.cmp(&b.group));
    let values: Vec<f64> = rows.iter().filter_map(|row| row.value).collect();
    let plot = Rows {
        title: "From the second start to the first answer".into(),
        axis: Axis::from_zero("time", values, time_ms),
        rows,
        bars: true,
        reference: None,
    };
    Block::Plot {
        svg: plot.svg(),
        caption: "Medians over repetitions.".into(),
    }
}

fn table(all: &[Ended<'_>]) -> Table {
    let mut table = Table::new(
        "What was left",
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
            time_ms(ended.lost_ms)
        } else {
            number::ABSENT.into()
        };
        let tone = if ended.holds() {
            Tone::Plain
        } else {
            Tone::Bad
        };
        table.push(vec![
            cell.workload.into(),
            cell.target.into(),
            cell.config.as_str().into(),
            cell.rows.len().to_string().into(),
            ended.claim.words().into(),
            Entry::from(format!(
                "{} of {}",
                whole(ended.lost as u64),
                whole(ended.acked as u64)
            ))
            .tone(tone)
            .strong_if(tone == Tone::Bad),
            age.into(),
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
    table
}
