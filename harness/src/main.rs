//! The `seawall` program: one thin file per verb.
//!
//! What a verb does is done by the crates beneath; here the command line is read, work is handed
//! out, and what came back is shown. Exit status: 0 done, 1 the work failed, 2 the command line or a
//! file was wrong, 3 a comparison or a claim fell short.

mod data_folder;
mod family;
mod folder;
mod input;
mod interrupt;
mod output;
mod progress;
mod setup;
mod status;
mod step;
mod suite;
mod table;
mod timing;
mod verb;

use std::process::ExitCode;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let program = verb::Program::parse();
    status::exit(program.verb.run())
}
