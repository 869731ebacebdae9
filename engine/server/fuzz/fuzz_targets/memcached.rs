//! libFuzzer's way into [`memcached::check`].
#![no_main]

#[path = "../targets/memcached.rs"]
mod memcached;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| memcached::check(bytes));
