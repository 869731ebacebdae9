//! The `seawall` program: one file per verb.

fn main() {}
