//! Builds, tests, checks and measures Yunhai.

fn main() {}
