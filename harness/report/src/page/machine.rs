//! Machine, seeds, configuration and validity: all that it takes to draw the same figures again.

use super::Page;
use crate::block::{Block, Entry, Table, Text, Tone};
use crate::cell::{Cell, cells, set, shown, timed};
use crate::number::{self, percent, time_us};
use crate::page::failures::in_order;
use crate::row::Row;
use crate::run::Run;
use crate::stats::order;

/// The page.
pub const PAGE: Page = Page {
    name: "machine",
    title: "Machine, seeds and validity",
    about: "machine, commit, command line, seeds, configurations and checks of the measurement itself",
    source: "setup.json and the rows",
    build,
};

/// Repetitions that differ by more than this make a comparison of medians doubtful.
const VARIATION_MAX: f64 = 0.10;

fn build(run: &Run) -> Vec<Block> {
    let setup = &run.setup;
    let line: Vec<String> = setup.command.iter().map(|word| quoted(word)).collect();
    let mut blocks = vec![
        Block::paragraph("This run was made by"),
        Block::Command {
            line: line.join(" "),
        },
        Block::Table(identity(run)),
    ];
    if setup.machine.is_empty() {
        blocks.push(Block::paragraph(
            "The run does not say on what machine it was made.",
        ));
    } else {
        let mut table = Table::new("Machine", &["what", "value"]);
        for (name, value) in &setup.machine {
            let name = name.replace('_', " ");
            let (name, value) = match (name.strip_suffix(" bytes"), value.as_f64()) {
                (Some(name), Some(bytes)) => (name.to_string(), number::bytes(bytes)),
                _ => (name, shown(value)),
            };
            table.push(vec![name.into(), value.into()]);
        }
        blocks.push(Block::Table(table));
    }
    blocks.extend(validity(run));
    blocks.push(Block::heading("To repeat a single row"));
    blocks.push(Block::paragraph(
        "What a row did depends on its configuration and seed alone. Rows of the lab and the simulator \
         are the same bytes on every machine; the figures of benchmarks differ as machines do.",
    ));
    let tables = [bench_cells(run), replays(run), simulations(run)];
    for table in tables.into_iter().filter(|table| !table.rows.is_empty()) {
        let title = format!("{} ({})", table.title, table.rows.len());
        blocks.push(Block::Folded {
            title,
            blocks: vec![Block::Table(table)],
        });
    }
    blocks
}

fn identity(run: &Run) -> Table {
    let setup = &run.setup;
    let mut table = Table::new("Run", &["what", "value"]);
    let commit = match (&setup.commit, setup.dirty) {
        (None, _) => "not known".into(),
        (Some(commit), false) => commit.clone(),
        (Some(commit), true) => format!("{commit}, with changes that are not committed"),
    };
    let kinds = |kind: &str| run.rows.iter().filter(|row| row.kind() == kind).count();
    let rows = format!(
        "{} ({} bench, {} lab, {} sim, {} validation)",
        run.rows.len(),
        kinds("bench"),
        kinds("lab"),
        kinds("sim"),
        kinds("validation")
    );
    let mut seeds: Vec<u64> = run.rows.iter().map(Row::seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    for (name, value) in [
        ("begun", setup.created.clone()),
        ("suite", setup.suite.clone()),
        ("commit", commit),
        ("seed", setup.seed.to_string()),
        ("seeds of rows", ranges(&seeds)),
        ("rows", rows),
        (
            "schema",
            format!("setup {}, rows up to {}", setup.schema, crate::row::SCHEMA),
        ),
    ] {
        table.push(vec![name.into(), value.into()]);
    }
    for (name, value) in &setup.extra {
        table.push(vec![name.as_str().into(), shown(value).into()]);
    }
    table
}

/// Checks of the measurement: what makes its figures doubtful is told here, not left out.
fn validity(run: &Run) -> Vec<Block> {
    let cells = timed(&run.rows);
    if cells.is_empty() {
        return Vec::new();
    }
    let mut table = Table::new(
        "Validity of the measurement",
        &[
            "workload",
            "target",
            "configuration",
            "#runs",
            "#spread of op/s",
            "#harness CPU/op",
            "#errors",
            "remark",
        ],
    );
    for cell in &cells {
        let variation = order::variation(&cell.values(|row| row.ops_per_s));
        let harness = cells
            .iter()
            .find(|other| other.target == "null" && other.workload == cell.workload)
            .filter(|_| cell.target != "null")
            .and_then(|null| null.median(|row| row.cpu_us_per_op));
        let errors: f64 = cell.rows.iter().map(|row| row.errors as f64).sum();
        let remarks = remarks(cell, variation, errors);
        let remark = Entry::from(remarks.join("; "));
        table.push(vec![
            cell.workload.into(),
            cell.target.into(),
            cell.config.as_str().into(),
            cell.rows.len().to_string().into(),
            variation
                .map_or_else(|| number::ABSENT.into(), percent)
                .into(),
            harness
                .map_or_else(|| number::ABSENT.into(), time_us)
                .into(),
            number::count(errors).into(),
            if remarks.is_empty() {
                remark
            } else {
                remark.tone(Tone::Bad)
            },
        ]);
    }
    let text = Text::new().plain(
        "Spread is the coefficient of variation over repetitions. Harness CPU is what the same workload \
         costs on the null target, which does nothing.",
    );
    vec![
        Block::Paragraph { text },
        Block::Table(table.without_empty_columns()),
    ]
}

fn remarks(cell: &Cell<'_>, variation: Option<f64>, errors: f64) -> Vec<String> {
    let mut remarks = Vec::new();
    if cell.rows.len() == 1 {
        remarks.push("one repetition: no interval".to_string());
    }
    if variation.is_some_and(|variation| variation > VARIATION_MAX) {
        remarks.push(format!(
            "repetitions differ by more than {}",
            percent(VARIATION_MAX)
        ));
    }
    if errors > 0.0 {
        remarks.push("error replies".to_string());
    }
    if cell
        .values(|row| row.ops_per_s)
        .iter()
        .any(|value| !value.is_finite())
    {
        remarks.push("a repetition without a throughput".to_string());
    }
    remarks
}

fn bench_cells(run: &Run) -> Table {
    let mut table = Table::new(
        "Benchmark cells",
        &[
            "workload", "target", "set", "#seeds", "#runs", "#seconds", "command",
        ],
    );
    for cell in cells(&run.rows) {
        let seeds = seeds(cell.rows.iter().map(|row| row.seed));
        let mut command = format!(
            "seawall bench --workload {} --target {}",
            quoted(cell.workload),
            quoted(cell.target)
        );
        for (name, value) in cell.settings.iter().filter(|(name, _)| *name != "name") {
            command.extend([" --config ", &quoted(&format!("{name}={}", shown(value)))]);
        }
        command.extend([" --seed ", &cell.rows[0].seed.to_string()]);
        table.push(vec![
            cell.workload.into(),
            cell.target.into(),
            set(cell.settings).into(),
            seeds.into(),
            cell.rows.len().to_string().into(),
            number::plain(cell.rows.iter().map(|row| row.seconds).sum()).into(),
            command.into(),
        ]);
    }
    table
}

fn replays(run: &Run) -> Table {
    let mut table = Table::new(
        "Trace replays",
        &["trace", "policy", "params", "sizes", "#seeds", "run"],
    );
    let lab = || {
        run.rows.iter().filter_map(|row| match row {
            Row::Lab(row) => Some(row),
            _ => None,
        })
    };
    for trace in in_order(lab().map(|row| row.trace.clone())) {
        for policy in in_order(
            lab()
                .filter(|r| r.trace == trace)
                .map(|row| row.policy.clone()),
        ) {
            let of_it = || lab().filter(|row| row.trace == trace && row.policy == policy);
            let join = |values: Vec<String>| values.join(" ");
            table.push(vec![
                trace.as_str().into(),
                policy.as_str().into(),
                in_order(of_it().map(|row| set(&row.params)))
                    .join("; ")
                    .into(),
                join(in_order(
                    of_it().map(|row| format!("{} {}", row.size, row.unit)),
                ))
                .into(),
                seeds(of_it().map(|row| row.seed)).into(),
                join(in_order(of_it().map(|row| row.run.clone()))).into(),
            ]);
        }
    }
    table
}

fn simulations(run: &Run) -> Table {
    let columns = [
        "scenario",
        "workload",
        "fault",
        "replication",
        "sharding",
        "#seeds",
        "event hashes",
        "command",
    ];
    let mut table = Table::new("Simulated runs", &columns);
    for trial in crate::trial::trials(&run.rows) {
        let row = trial.first();
        let hashes: Vec<&str> = trial
            .rows
            .iter()
            .map(|row| row.event_hash.as_str())
            .collect();
        let command = format!(
            "seawall simulate {} --replication {} --sharding {} --seed {} --seeds {}",
            quoted(&row.scenario),
            quoted(&row.replication),
            quoted(&row.sharding),
            trial
                .rows
                .iter()
                .map(|row| row.seed)
                .min()
                .unwrap_or(row.seed),
            trial.seeds()
        );
        table.push(vec![
            row.scenario.as_str().into(),
            row.workload.as_str().into(),
            row.fault.as_str().into(),
            row.replication.as_str().into(),
            row.sharding.as_str().into(),
            seeds(trial.rows.iter().map(|row| row.seed)).into(),
            hashes.join(" ").into(),
            command.into(),
        ]);
    }
    table
}

fn seeds(seeds: impl Iterator<Item = u64>) -> String {
    let mut seeds: Vec<u64> = seeds.collect();
    seeds.sort_unstable();
    seeds.dedup();
    ranges(&seeds)
}

/// Numbers in order as `1–5, 9`.
fn ranges(sorted: &[u64]) -> String {
    let runs = sorted.chunk_by(|a, b| a.checked_add(1) == Some(*b));
    let shown = runs.map(|run| match run {
        [one] => one.to_string(),
        run => format!("{}–{}", run[0], run[run.len() - 1]),
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// A word of a command line, quoted where a shell would split or expand it.
fn quoted(word: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "-_=./:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(safe) {
        return word.into();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}
