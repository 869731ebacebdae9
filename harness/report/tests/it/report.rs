//! What a report must hold whatever the rows are: a golden small run, and hostile ones.

use std::fs;
use std::path::Path;

use crate::story::{self, FULL, SMALL, WIDE};
use seawall_report::page::PAGES;
use seawall_report::row::{Row, SCHEMA};
use seawall_report::run::{Cut, parse};
use seawall_report::{Error, Run, render, render_run, summary, write};

fn folder(setup: &str, rows: &[u8]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("setup.json"), setup).unwrap();
    fs::write(dir.path().join("rows.jsonl"), rows).unwrap();
    dir
}

fn small() -> (String, String) {
    story::files(&story::run(SMALL))
}

#[test]
fn a_small_run_as_markdown() {
    insta::assert_snapshot!(render_run(&story::run(SMALL)).markdown);
}

#[test]
fn a_small_run_as_csv() {
    insta::assert_snapshot!(render_run(&story::run(SMALL)).csv);
}

#[test]
fn a_small_run_on_the_terminal() {
    let tables = summary(&story::run(SMALL).rows);
    let lines = tables.iter().flat_map(|table| {
        let row = |row: &Vec<seawall_report::block::Entry>| {
            row.iter()
                .map(|entry| entry.text.as_str())
                .collect::<Vec<_>>()
                .join(" | ")
        };
        let heading: Vec<&str> = table
            .columns
            .iter()
            .map(|column| column.title.as_str())
            .collect();
        let mut lines = vec![table.title.clone(), heading.join(" | ")];
        lines.extend(table.rows.iter().map(row));
        lines
    });
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
}

#[test]
fn the_same_rows_give_the_same_bytes() {
    let run = story::run(FULL);
    assert_eq!(render_run(&run), render_run(&run.clone()));
}

#[test]
fn a_run_comes_back_from_its_files() {
    let run = story::run(SMALL);
    let (setup, rows) = story::files(&run);
    assert_eq!(
        Run::read(folder(&setup, rows.as_bytes()).path()).unwrap(),
        run
    );
}

#[test]
fn the_page_is_of_reasonable_size_and_asks_for_nothing() {
    let wide = render_run(&story::run(WIDE)).html;
    assert!(
        wide.len() < 3 << 20,
        "{} bytes for 3000 simulated runs",
        wide.len()
    );
    let html = render_run(&story::run(FULL)).html;
    assert!(html.len() < 1 << 20, "{} bytes", html.len());
    for fetch in ["src=", "href=\"http", "url(", "@import", "<script", "<link"] {
        assert!(!html.contains(fetch), "{fetch}");
    }
    // Eight kinds of plots, each closed.
    assert!(html.matches("<svg").count() >= 8);
    assert_eq!(html.matches("<svg").count(), html.matches("</svg>").count());
}

#[test]
fn every_page_is_reached_from_the_contents() {
    let html = render_run(&story::run(SMALL)).html;
    for page in PAGES {
        assert!(
            html.contains(&format!("href=\"#{}\"", page.name)),
            "{}",
            page.name
        );
        assert!(
            html.contains(&format!("id=\"{}\"", page.name)),
            "{}",
            page.name
        );
    }
}

#[test]
fn every_file_of_a_page_is_in_the_list() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/page");
    let mut files: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|file| {
            file.unwrap()
                .file_name()
                .to_string_lossy()
                .replace(".rs", "")
        })
        .map(|stem| stem.replace('_', "-"))
        .filter(|stem| stem != "mod")
        .collect();
    let mut names: Vec<&str> = PAGES.iter().map(|page| page.name).collect();
    files.sort();
    names.sort_unstable();
    assert_eq!(files, names);
    for page in PAGES {
        assert!(
            !page.about.is_empty() && !page.source.is_empty(),
            "{}",
            page.name
        );
    }
}

#[test]
fn writing_leaves_three_files_and_nothing_else() {
    let (setup, rows) = small();
    let dir = folder(&setup, rows.as_bytes());
    assert_eq!(write(dir.path()).unwrap(), dir.path().join("report.html"));
    write(dir.path()).unwrap();
    let mut names: Vec<_> = fs::read_dir(dir.path())
        .unwrap()
        .map(|file| file.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "report.html",
            "report.md",
            "rows.csv",
            "rows.jsonl",
            "setup.json"
        ]
    );
    let rendered = render(dir.path()).unwrap();
    assert_eq!(
        fs::read_to_string(dir.path().join("report.html")).unwrap(),
        rendered.html
    );
    assert_eq!(
        fs::read_to_string(dir.path().join("report.md")).unwrap(),
        rendered.markdown
    );
    assert_eq!(
        fs::read_to_string(dir.path().join("rows.csv")).unwrap(),
        rendered.csv
    );
}

#[test]
fn a_file_that_cannot_be_placed_is_told_and_leaves_nothing_partial() {
    let (setup, rows) = small();
    let dir = folder(&setup, rows.as_bytes());
    fs::create_dir(dir.path().join("report.html")).unwrap();
    let error = write(dir.path()).unwrap_err();
    assert!(
        matches!(&error, Error::Write { path, .. } if path.ends_with("report.html")),
        "{error}"
    );
    let partial = fs::read_dir(dir.path()).unwrap().filter(|file| {
        file.as_ref()
            .unwrap()
            .file_name()
            .to_string_lossy()
            .contains("partial")
    });
    assert_eq!(partial.count(), 0);
}

#[test]
fn a_file_cut_off_anywhere_in_its_last_line_still_renders_and_says_so() {
    let (setup, rows) = small();
    let start = rows[..rows.len() - 1].rfind('\n').unwrap() + 1;
    let lines = rows.lines().count();
    for bytes in [1, 9, 200, rows.len() - start - 2] {
        let dir = folder(&setup, &rows.as_bytes()[..start + bytes]);
        let run = Run::read(dir.path()).unwrap();
        assert_eq!(run.cut, Some(Cut { line: lines, bytes }));
        assert_eq!(run.rows.len(), lines - 1);
        let rendered = render_run(&run);
        let told = format!("line {lines} of rows.jsonl ends after {bytes} bytes");
        assert!(rendered.html.contains(&told));
        assert!(rendered.markdown.contains(&told));
    }
    // Only the line feed is missing: the row is whole.
    let run = Run::read(folder(&setup, &rows.as_bytes()[..rows.len() - 1]).path()).unwrap();
    assert_eq!((run.cut, run.rows.len()), (None, lines));
}

#[test]
fn a_malformed_line_in_the_middle_is_an_error_with_file_and_line() {
    let (setup, rows) = small();
    let mut lines: Vec<&str> = rows.lines().collect();
    lines[4] = &lines[4][..50];
    let dir = folder(&setup, (lines.join("\n") + "\n").as_bytes());
    let message = Run::read(dir.path()).unwrap_err().to_string();
    assert!(message.contains("rows.jsonl:5:"), "{message}");
    assert!(
        message.contains("bench, lab, sim or validation"),
        "{message}"
    );
}

#[test]
fn lines_that_are_no_rows_are_refused() {
    for line in [
        "null",
        "[]",
        "{}",
        "\u{0}",
        r#"{"schema":1}"#,
        r#"{"schema":1,"kind":"other"}"#,
        r#"{"schema":-1,"kind":"lab"}"#,
        r#"{"schema":"1","kind":"lab"}"#,
        r#"{"schema":1,"kind":"lab","run":"r","seed":1e999}"#,
    ] {
        let text = format!("{line}\n");
        let error = parse(Path::new("rows.jsonl"), text.as_bytes()).unwrap_err();
        assert!(
            matches!(error, Error::Malformed { line: 1, .. }),
            "{line}: {error}"
        );
    }
}

#[test]
fn a_newer_schema_is_refused_in_clear_words() {
    let (setup, rows) = small();
    let newer = format!(
        "{rows}{{\"schema\":{},\"kind\":\"hologram\"}}\n",
        SCHEMA + 1
    );
    let line = rows.lines().count() + 1;
    let message = Run::read(folder(&setup, newer.as_bytes()).path())
        .unwrap_err()
        .to_string();
    assert!(
        message.contains(&format!("rows.jsonl:{line}: written with schema 2")),
        "{message}"
    );
    assert!(message.contains("newer seawall"), "{message}");
    let setup = setup.replacen("\"schema\": 1", "\"schema\": 9", 1);
    let message = Run::read(folder(&setup, rows.as_bytes()).path())
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("setup.json:1: written with schema 9"),
        "{message}"
    );
}

#[test]
fn a_folder_that_is_no_run_is_told_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let message = Run::read(dir.path()).unwrap_err().to_string();
    assert!(message.contains("no setup.json here"), "{message}");
    fs::write(dir.path().join("setup.json"), small().0).unwrap();
    let message = Run::read(dir.path()).unwrap_err().to_string();
    assert!(message.contains("no rows.jsonl here"), "{message}");
}

#[test]
fn no_rows_say_what_to_run() {
    let dir = folder(&small().0, b"");
    let rendered = render(dir.path()).unwrap();
    for command in [
        "seawall run --quick",
        "seawall replay",
        "seawall simulate",
        "seawall bench",
    ] {
        assert!(rendered.markdown.contains(command), "{command}");
    }
    assert!(!rendered.html.contains("<svg"));
    assert_eq!(rendered.csv, "");
    assert!(summary(&[]).is_empty());
}

#[test]
fn names_never_become_markup() {
    const NAME: &str = "<script>alert(1)</script>\"'`|*_&";
    let mut run = story::run(SMALL);
    run.setup.suite = NAME.into();
    run.setup.notices.push(NAME.into());
    run.setup.machine.insert(NAME.into(), NAME.into());
    for row in &mut run.rows {
        match row {
            Row::Bench(row) => {
                row.workload = NAME.into();
                row.config.insert(
                    "name".into(),
                    format!("{NAME}{}", row.config["name"]).into(),
                );
                if row.target != "null" {
                    row.target = NAME.into();
                }
            }
            Row::Lab(row) => {
                row.trace = NAME.into();
                if row.policy == "lru" {
                    row.policy = NAME.into();
                }
            }
            Row::Sim(row) => {
                row.fault = NAME.into();
                row.claim = NAME.into();
                row.violations = vec![NAME.into()];
            }
            Row::Validation(row) => row.what = NAME.into(),
        }
    }
    let rendered = render_run(&run);
    assert!(!rendered.html.contains("<script"));
    assert!(rendered.html.contains("&lt;script&gt;"));
    // Outside of code spans, Markdown has no tag and no bare pipe from a name.
    let outside = rendered
        .markdown
        .replace("``<script>alert(1)</script>\"'`|*_&", "");
    assert!(!outside.contains("<script"), "{outside}");
}

#[test]
fn hostile_figures_do_not_end_the_report() {
    for figure in [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        0.0,
        -1.0,
        1e308,
        1e-308,
        f64::MAX,
    ] {
        let mut run = story::run(SMALL);
        for (index, row) in run.rows.iter_mut().enumerate() {
            match row {
                Row::Bench(row) => {
                    (row.ops_per_s, row.cpu_us_per_op, row.seconds) = (figure, figure, figure);
                    (row.latency_us.p99, row.hit_ratio) = (figure, Some(figure));
                    (row.rss_bytes, row.errors) = (u64::MAX, u64::MAX);
                    row.histogram = ["", "AAAA", "not base64 at all", "HISTFAAA"][index % 4].into();
                }
                Row::Lab(row) => {
                    let huge = [0, 1, u64::MAX][index % 3];
                    (row.size, row.requests, row.misses) = (huge, huge, u64::MAX);
                }
                Row::Sim(row) => {
                    (row.hit_ratio_min, row.db_peak_over_steady) = (figure, figure);
                    (row.usd_per_month, row.latency_us.during.p99) = (figure, figure);
                    (row.acked_writes, row.lost_acked_writes) = (0, u64::MAX);
                    (row.unavailable_ms, row.seed) = (u64::MAX, u64::MAX);
                }
                Row::Validation(row) => {
                    for held in &mut row.figures {
                        (held.measured, held.least) = (figure, Some(figure));
                    }
                }
            }
        }
        let rendered = render_run(&run);
        for text in [&rendered.html, &rendered.markdown] {
            assert!(!text.contains("NaN") && !text.contains(" inf"), "{figure}");
        }
        // What has been written with such figures can be read again.
        let (setup, rows) = story::files(&run);
        let again = Run::read(folder(&setup, rows.as_bytes()).path()).unwrap();
        assert_eq!(again.rows.len(), run.rows.len());
        render_run(&again);
    }
}

#[test]
fn fields_that_are_not_known_are_kept() {
    let (_, rows) = small();
    let line = rows
        .lines()
        .next()
        .unwrap()
        .replacen('{', r#"{"colour":{"hue":[1,2]},"#, 1)
        + "\n";
    let (rows, _) = parse(Path::new("rows.jsonl"), line.as_bytes()).unwrap();
    let again = serde_json::to_string(&rows[0]).unwrap();
    assert!(again.contains(r#""colour":{"hue":[1,2]}"#), "{again}");
    let csv = seawall_report::csv::render(&rows);
    assert!(csv.lines().next().unwrap().contains("colour.hue"), "{csv}");
}

#[test]
fn a_broken_claim_is_the_first_finding() {
    let mut run = story::run(SMALL);
    for row in &mut run.rows {
        if let Row::Sim(row) = row
            && row.replication == "quorum"
            && row.fault == "zone-down"
            && row.seed == 2
        {
            row.violations = vec!["write k7=3 acknowledged at 1.2 s is gone".into()];
        }
    }
    let markdown = render_run(&run).markdown;
    let first = markdown
        .lines()
        .find(|line| line.starts_with("- "))
        .unwrap();
    assert!(
        first.contains("`quorum` at `slots`") && first.contains("1 of 2 seeds"),
        "{first}"
    );
    assert!(markdown.contains("write k7=3 acknowledged at 1.2 s is gone"));
}
