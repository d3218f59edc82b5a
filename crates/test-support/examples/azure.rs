//! Runs the simulator of Azure by itself, with some machines in it, for trying accounts by hand and
//! in a browser. It prints the settings of an account as one line of JSON, and ends with its
//! standard input.
#![allow(clippy::print_stdout)] // What is printed is all that it is for.

use tokio::io::AsyncReadExt as _;
use yunhai_test_support::azure::{AzureSimulator, LOCATIONS, MachineToMake, SUBSCRIPTIONS};

/// How far back measurements go.
const MINUTES: i64 = 60;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let azure = AzureSimulator::start().await?;
    for (number, location) in LOCATIONS.into_iter().cycle().take(6).enumerate() {
        let id = azure.make(&MachineToMake {
            subscription: SUBSCRIPTIONS[number % 2],
            location,
            name: &format!("web-{number}"),
            is_public: number % 2 == 0,
        });
        let now_ms = azure.now_ms() / 60_000 * 60_000;
        let minutes = |value: f64| -> Vec<(i64, f64)> {
            (1..=MINUTES)
                .map(|minute| (now_ms - minute * 60_000, value))
                .collect()
        };
        let cpu = 10.0 * number as f64 + 5.0;
        azure.measure(&id, "Percentage CPU", &minutes(cpu));
        azure.measure(&id, "Available Memory Percentage", &minutes(100.0 - cpu));
        azure.measure(&id, "Network In Total", &minutes(60_000.0));
        azure.measure(&id, "VmAvailabilityMetric", &minutes(1.0));
        if number == 5 {
            azure.set_power(&id, "deallocated");
        }
    }
    println!("{}", azure.settings());
    let mut end = [0; 64];
    while tokio::io::stdin().read(&mut end).await? > 0 {}
    Ok(())
}
