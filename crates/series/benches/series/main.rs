//! Measures the store with a week of 500 servers.
//!
//! Without arguments it measures in process and prints one figure a line, name and value parted
//! by a colon. `cargo xtask bench series` runs that, and uses the rest to load servers with the
//! same samples:
//!
//! - `requests FILE NOW_MS` writes the remote write requests, the newest sample before `NOW_MS`;
//! - `compact FOLDER NOW_MS` flushes and merges a store at rest and prints its size.

#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

mod in_process;
mod requests;
mod week;

use std::path::Path;

#[tokio::main(worker_threads = 2)]
async fn main() {
    // Cargo adds `--bench` to what it is told.
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] => in_process::measure().await,
        ["requests", file, now_ms] => requests::write(Path::new(file), now_ms.parse().unwrap()),
        ["compact", folder, now_ms] => {
            in_process::compact(Path::new(folder), now_ms.parse().unwrap()).await;
        }
        _ => panic!("unknown arguments; see the top of benches/series/main.rs"),
    }
}
