//! What 500 servers measure in a week, every five minutes: four gauges and two byte counters.
//!
//! | metric | decimals | course |
//! | --- | --- | --- |
//! | processor, % | 1 | 10–40 with 5–25 more by day, noise of σ 2 that lasts (AR(1), 0.7) |
//! | memory, % | 2 | 30–70 with 1–5 more by day, noise of σ 0.3 that lasts |
//! | file system, % | 2 | wanders by up to 0.02 a step |
//! | load | 2 | 0.5–3 with 0.2–0.5 more by day, noise of σ 0.15 that lasts |
//! | received and sent bytes | 0 | 0.25–8 MiB a step (evenly over the magnitudes), twice as much by day as by night, each step with noise of 15 % |
//!
//! No lossless encoding takes less than the entropy of what is new in each value. For a normal
//! distribution of deviation σ, rounded to steps of q, that is log₂(σ √(2πe) / q) bits: 6.4 for
//! the processor, 7.0 for memory, 5.9 for load, 1.9 for the file system's triangle, and
//! log₂(0.15 · 4.13 · mean) for counters, about 20 bits here; [`floor_bytes`] adds it up. Servers
//! with more traffic have more random bits: every doubling of the counters' growth costs any store
//! 0.04 bytes a sample over all six metrics.

use std::f64::consts::{E, LN_2, PI, TAU};

pub(crate) const SERVERS: usize = 500;
pub(crate) const METRICS: [&str; 6] = [
    "server_cpu_utilization_percent",
    "server_memory_utilization_percent",
    "server_filesystem_utilization_percent",
    "server_load1",
    "server_network_receive_bytes_total",
    "server_network_transmit_bytes_total",
];
pub(crate) const ROUNDS: usize = 7 * 24 * 12;
pub(crate) const STEP_MS: i64 = 5 * 60 * 1000;
pub(crate) const SAMPLES: usize = SERVERS * METRICS.len() * ROUNDS;

const STEPS_A_DAY: f64 = 288.0;
const COUNTER_NOISE: f64 = 0.15;

/// All values, series after series.
pub(crate) struct Week(Vec<f64>);

impl Week {
    pub(crate) fn new() -> Self {
        let mut values = Vec::with_capacity(SAMPLES);
        for server in 0..SERVERS {
            for metric in 0..METRICS.len() {
                add_series(server, metric, &mut values);
            }
        }
        Self(values)
    }

    /// Returns some successive values of a series.
    pub(crate) fn values(
        &self,
        server: usize,
        metric: usize,
        rounds: std::ops::Range<usize>,
    ) -> &[f64] {
        let start = (server * METRICS.len() + metric) * ROUNDS;
        &self.0[start + rounds.start..start + rounds.end]
    }
}

/// Returns a series's labels in the order of their names.
pub(crate) fn labels(server: usize, metric: usize) -> Vec<(&'static str, String)> {
    vec![
        ("__name__", METRICS[metric].to_owned()),
        ("account", format!("account-{}", server % 7)),
        (
            "provider",
            ["aws", "azure", "gcp", "local"][server % 4].to_owned(),
        ),
        ("region", format!("region-{}", server % 10)),
        ("server", format!("server-{server:04}")),
    ]
}

/// Returns the bytes a sample below which no lossless encoding of the values gets.
pub(crate) fn floor_bytes() -> f64 {
    let normal = |deviation: f64, step: f64| (deviation / step * (TAU * E).sqrt()).log2();
    let counters: f64 = (0..SERVERS)
        .flat_map(|server| [4, 5].map(|metric| mean_growth(server, metric)))
        .map(|mean| normal(COUNTER_NOISE * mean, 1.0))
        .sum();
    // A triangle over ±2 steps of the last decimal.
    let triangle = (0.5 + 2_f64.ln()) / LN_2;
    let gauges = normal(2.0, 0.1) + normal(0.3, 0.01) + normal(0.15, 0.01) + triangle;
    (gauges + counters / SERVERS as f64) / METRICS.len() as f64 / 8.0
}

fn mean_growth(server: usize, metric: usize) -> f64 {
    let mut random = Random::new(server, metric, 1);
    262_144.0 * 32_f64.powf(random.share())
}

fn add_series(server: usize, metric: usize, into: &mut Vec<f64>) {
    let mut random = Random::new(server, metric, 0);
    // From -1 at night to 1 in the afternoon.
    let day = |round: usize| (TAU * (round as f64 / STEPS_A_DAY - 0.4)).sin();
    let mut gauge = |base: [f64; 2], swing: [f64; 2], deviation: f64, decimals: f64| {
        let (base, swing) = (random.between(base), random.between(swing));
        let mut noise = 0.0;
        for round in 0..ROUNDS {
            noise = 0.7 * noise + deviation * random.normal();
            let value = (base + swing * day(round) + noise).clamp(0.0, 100.0);
            into.push((value * decimals).round() / decimals);
        }
    };
    match metric {
        0 => gauge([10.0, 40.0], [5.0, 25.0], 2.0, 10.0),
        1 => gauge([30.0, 70.0], [1.0, 5.0], 0.3, 100.0),
        3 => gauge([0.5, 3.0], [0.2, 0.5], 0.15, 100.0),
        2 => {
            let mut state = random.between([40.0, 70.0]);
            for _ in 0..ROUNDS {
                state = (state + 0.02 * (random.share() + random.share() - 1.0)).clamp(0.0, 100.0);
                into.push((state * 100.0).round() / 100.0);
            }
        }
        _ => {
            let mean = mean_growth(server, metric);
            let mut state = (random.share() * 1e11).floor();
            for round in 0..ROUNDS {
                let noise = 1.0 + COUNTER_NOISE * random.normal();
                state += (mean * (1.0 + day(round) / 3.0) * noise).max(0.0).floor();
                into.push(state);
            }
        }
    }
}

/// Numbers that are the same in every run (xorshift).
struct Random(u64);

impl Random {
    fn new(server: usize, metric: usize, use_: u64) -> Self {
        let series = (server * METRICS.len() + metric) as u64;
        let mut random = Self((2 * series + use_ + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        random.share();
        random
    }

    fn share(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn between(&mut self, [from, to]: [f64; 2]) -> f64 {
        from + (to - from) * self.share()
    }

    /// A number of the standard normal distribution (Box and Muller).
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.share()).ln()).sqrt();
        radius * (2.0 * PI * self.share()).cos()
    }
}
