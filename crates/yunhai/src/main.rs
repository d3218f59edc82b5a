//! One binary that runs a small team's servers and data.

fn main() {}
