//! Writes a made-up run into a folder and renders it: `cargo run -p seawall-report --example story -- DIR`.
//! This is how a change of the pages is looked at before there is a run to render.

use std::path::PathBuf;

#[path = "../tests/it/story.rs"]
mod story;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let dir = PathBuf::from(
        arguments
            .next()
            .ok_or("story DIR [small|wide]: where to write")?,
    );
    let extent = match arguments.next().as_deref() {
        None => story::FULL,
        Some("small") => story::SMALL,
        Some("wide") => story::WIDE,
        Some(other) => return Err(format!("{other}: accepted are small and wide").into()),
    };
    let (setup, rows) = story::files(&story::run(extent));
    std::fs::create_dir_all(&dir)?;
    std::fs::write(dir.join("setup.json"), setup)?;
    std::fs::write(dir.join("rows.jsonl"), rows)?;
    println!("{}", seawall_report::write(&dir)?.display());
    Ok(())
}
