//! Every published figure is within what is accepted, whatever the seed.
//!
//! `SEAWALL_SIM_VALIDATION_SEEDS` sets how many seeds are measured; one takes a hundred times as long as a run of a cell.

use seawall_report::row::ValidationRow;
use seawall_sim::validation::{Measure, SOURCES};

fn seeds() -> u64 {
    std::env::var("SEAWALL_SIM_VALIDATION_SEEDS").map_or(1, |text| {
        text.parse()
            .expect("SEAWALL_SIM_VALIDATION_SEEDS is a number")
    })
}

fn line(row: &ValidationRow) -> String {
    let figures = row.figures.iter().map(|figure| {
        format!(
            "{} {} ({:?} to {:?})",
            figure.name, figure.measured, figure.least, figure.most
        )
    });
    figures.collect::<Vec<_>>().join("; ")
}

#[test]
fn published_figures_are_reproduced() {
    let mut short = Vec::new();
    for seed in 1..=seeds() {
        for row in SOURCES.iter().flat_map(|source| source.rows(seed)) {
            println!("{} seed {seed}: {}", row.id, line(&row));
            if row.within == Some(false) {
                short.push(format!("{} seed {seed}: {}", row.id, line(&row)));
            }
        }
    }
    assert_eq!(short, [""; 0]);
}

#[test]
fn every_file_of_a_source_is_in_the_list() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/validation");
    let files = std::fs::read_dir(folder).expect("it is there").count();
    assert_eq!(files - 1, SOURCES.len(), "one is the list itself");
}

#[test]
fn what_is_not_reproduced_says_why_and_names_are_unique() {
    let all = SOURCES.iter().flat_map(|source| source.validations);
    let mut ids = Vec::new();
    for validation in all {
        let reason = matches!(validation.measure, Measure::By(_)) || !validation.note.is_empty();
        assert!(reason, "{}", validation.id);
        ids.push(validation.id);
    }
    let listed = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), listed);
}
