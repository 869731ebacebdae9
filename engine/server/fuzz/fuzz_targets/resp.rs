//! libFuzzer's way into [`resp::check`].
#![no_main]

#[path = "../targets/resp.rs"]
mod resp;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| resp::check(bytes));
