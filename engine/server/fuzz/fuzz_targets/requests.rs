//! libFuzzer's way into [`requests::check`].
#![no_main]

#[path = "../targets/items.rs"]
mod items;
#[path = "../targets/requests.rs"]
mod requests;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| requests::check(bytes));
