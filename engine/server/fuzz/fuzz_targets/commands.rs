//! libFuzzer's way into [`commands::check`].
#![no_main]

#[path = "../targets/commands.rs"]
mod commands;
#[path = "../targets/model.rs"]
mod model;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| commands::check(bytes));
