//! Servers that do not exist: their names, what they measure, and the remote write requests that
//! carry it. The same server measures the same at the same minute of every run.

use std::f64::consts::TAU;

/// How many servers share a request; with ten metrics each, that is the number of samples that
/// Prometheus used to put into one.
const SERVERS_A_REQUEST: usize = 50;

/// The seconds between two measurements of a server.
pub(crate) const INTERVAL_SECS: u64 = 60;

const PROVIDERS: [&str; 4] = ["aws", "azure", "gcp", "local"];
const REGIONS: [&str; 6] = ["eu-1", "eu-2", "us-1", "us-2", "cn-1", "ap-1"];
const ENVIRONMENTS: [&str; 3] = ["production", "staging", "test"];
const TEAMS: usize = 20;

/// A metric of every server.
struct Metric {
    name: &'static str,
    /// Labels beside those of the server.
    labels: &'static [(&'static str, &'static str)],
    shape: Shape,
}

/// How a metric's values move.
enum Shape {
    /// From 0 to this, restless like the use of a processor.
    Load(f64),
    /// From 0 to this, slow like what fills up a disk.
    Level(f64),
    /// A counter that grows by up to this a second.
    Counter(f64),
    /// The seconds since the server's start.
    Uptime,
    /// 1, or 0 for the few servers that are down.
    Up,
}

const ETHERNET: &[(&str, &str)] = &[("device", "eth0")];
const DISK: &[(&str, &str)] = &[("device", "nvme0n1")];
const FILE_SYSTEM: &[(&str, &str)] = &[
    ("device", "/dev/nvme0n1p2"),
    ("fstype", "ext4"),
    ("mountpoint", "/"),
];

const METRICS: [Metric; 10] = [
    Metric::new("server_up", &[], Shape::Up),
    Metric::new("server_uptime_seconds", &[], Shape::Uptime),
    Metric::new("server_cpu_utilization_ratio", &[], Shape::Load(1.0)),
    Metric::new("server_load1", &[], Shape::Load(32.0)),
    Metric::new("server_memory_utilization_ratio", &[], Shape::Level(1.0)),
    Metric::new(
        "server_memory_used_bytes",
        &[],
        Shape::Level(68_719_476_736.0),
    ),
    Metric::new(
        "server_filesystem_utilization_ratio",
        FILE_SYSTEM,
        Shape::Level(1.0),
    ),
    Metric::new("server_disk_read_bytes_total", DISK, Shape::Counter(2e8)),
    Metric::new(
        "server_network_receive_bytes_total",
        ETHERNET,
        Shape::Counter(2e8),
    ),
    Metric::new(
        "server_network_transmit_bytes_total",
        ETHERNET,
        Shape::Counter(2e8),
    ),
];

/// How many series a server has.
pub(crate) const METRICS_A_SERVER: usize = METRICS.len();

impl Metric {
    const fn new(
        name: &'static str,
        labels: &'static [(&'static str, &'static str)],
        shape: Shape,
    ) -> Self {
        Self {
            name,
            labels,
            shape,
        }
    }
}

/// A remote write request and when it is to be sent, in milliseconds after the beginning.
pub(crate) struct Write {
    pub(crate) at_ms: u64,
    pub(crate) samples: usize,
    pub(crate) body: Vec<u8>,
}

/// The requests of one round, in which every server measures once. They are spread over the
/// interval from `round_ms` on, and the samples bear the times at which they are sent.
pub(crate) fn round(servers: usize, round: u64, begin_ms: i64) -> Vec<Write> {
    let requests = servers.div_ceil(SERVERS_A_REQUEST);
    (0..requests)
        .map(|request| {
            let share = INTERVAL_SECS * 1000 * request as u64 / requests as u64;
            let at_ms = round * INTERVAL_SECS * 1000 + share;
            let first = request * SERVERS_A_REQUEST;
            let servers = first..servers.min(first + SERVERS_A_REQUEST);
            let samples = servers.len() * METRICS_A_SERVER;
            let message = encode(servers, round, begin_ms + at_ms.cast_signed());
            let body = snap::raw::Encoder::new()
                .compress_vec(&message)
                .expect("a message of some kilobytes is not too large for snappy");
            Write {
                at_ms,
                samples,
                body,
            }
        })
        .collect()
}

/// A server's name.
pub(crate) fn server_name(server: usize) -> String {
    format!("srv-{server:05}")
}

/// Writes a `prometheus.WriteRequest` of protobuf: series (1) with labels (1: name 1, value 2) and
/// samples (2: value 1, timestamp 2), each label set in the order of the names.
fn encode(servers: std::ops::Range<usize>, round: u64, at_ms: i64) -> Vec<u8> {
    let mut message = Vec::new();
    let (mut series, mut part) = (Vec::new(), Vec::new());
    for server in servers {
        for (number, metric) in METRICS.iter().enumerate() {
            series.clear();
            for (name, value) in labels(server, metric) {
                part.clear();
                put_bytes(&mut part, 1, name.as_bytes());
                put_bytes(&mut part, 2, value.as_bytes());
                put_bytes(&mut series, 1, &part);
            }
            part.clear();
            part.push(1 << 3 | 1);
            part.extend_from_slice(&value(server, number, metric, round).to_le_bytes());
            part.push(2 << 3);
            put_varint(&mut part, at_ms.cast_unsigned());
            put_bytes(&mut series, 2, &part);
            put_bytes(&mut message, 1, &series);
        }
    }
    message
}

fn labels(server: usize, metric: &Metric) -> Vec<(&'static str, String)> {
    let pick = |from: &[&'static str], salt| from[hash(server, salt) as usize % from.len()];
    let mut labels = vec![
        ("__name__", metric.name.to_owned()),
        ("account", format!("account-{}", hash(server, 1) % 8)),
        ("provider", pick(&PROVIDERS, 2).to_owned()),
        ("region", pick(&REGIONS, 3).to_owned()),
        ("server", server_name(server)),
        ("tag_environment", pick(&ENVIRONMENTS, 4).to_owned()),
        (
            "tag_team",
            format!("team-{}", hash(server, 5) as usize % TEAMS),
        ),
    ];
    labels.extend(
        metric
            .labels
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned())),
    );
    labels.sort_unstable_by_key(|(name, _)| *name);
    labels
}

/// What a metric of a server is in a round: most servers have little to do, about one in three
/// hundred far too much.
fn value(server: usize, number: usize, metric: &Metric, round: u64) -> f64 {
    let salt = 10 + number as u64;
    let temper = share(hash(server, salt));
    let noise = share(hash(server, salt + 100 * (round + 1)));
    let rest = if temper > 0.997 {
        0.92
    } else {
        0.1 + 0.6 * temper * temper
    };
    let seconds = (round * INTERVAL_SECS) as f64;
    let wave = |hours: f64| (TAU * (seconds / (hours * 3600.0) + temper)).sin();
    // Four decimals of a ratio, as collectors send percentages with two.
    let up_to = |most: f64, ratio: f64| (ratio.clamp(0.0, 1.0) * 1e4).round() / 1e4 * most;
    match metric.shape {
        Shape::Load(most) => up_to(most, rest + 0.04 * wave(1.0) + 0.04 * noise),
        Shape::Level(most) => up_to(most, rest + 0.04 * wave(24.0) + 0.000_2 * noise),
        Shape::Counter(most) => {
            // What was there before the beginning, the mean growth, and its unrest.
            let growth = most * temper;
            (1e12 * temper + growth * (seconds + 20.0 * noise)).round()
        }
        Shape::Uptime => (3e7 * temper).round() + seconds,
        Shape::Up if hash(server, salt).is_multiple_of(500) => 0.0,
        Shape::Up => 1.0,
    }
}

/// A number that only depends on the server and the salt (`SplitMix64`).
fn hash(server: usize, salt: u64) -> u64 {
    let mut bits = (server as u64 + 1)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(salt.wrapping_mul(0xd1b5_4a32_d192_ed03));
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// A number from 0 to 1.
fn share(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

fn put_bytes(into: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    into.push(field << 3 | 2);
    put_varint(into, bytes.len() as u64);
    into.extend_from_slice(bytes);
}

fn put_varint(into: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        into.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    into.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_is_spread_over_the_interval_and_repeats_itself() {
        let writes = round(120, 2, 1_700_000_000_000);
        let times: Vec<u64> = writes.iter().map(|write| write.at_ms).collect();
        assert_eq!(times, [120_000, 140_000, 160_000]);
        let again = round(120, 2, 1_700_000_000_000);
        assert_eq!(writes[1].body, again[1].body);
    }

    #[test]
    fn a_request_holds_every_metric_of_its_servers() {
        let message = encode(0..3, 0, 1_700_000_000_000);
        let text = String::from_utf8_lossy(&message);
        assert!(METRICS.iter().all(|metric| text.contains(metric.name)));
        assert_eq!(text.matches("__name__").count(), 3 * METRICS.len());
        assert_eq!(text.matches("srv-00002").count(), METRICS.len());
    }

    #[test]
    fn counters_never_fall() {
        let counter = METRICS.len() - 1;
        for server in 0..100 {
            let values: Vec<f64> = (0..20)
                .map(|round| value(server, counter, &METRICS[counter], round))
                .collect();
            assert!(values.is_sorted(), "{values:?}");
        }
    }

    #[test]
    fn few_servers_are_busy() {
        let busy = (0..5000)
            .filter(|server| value(*server, 2, &METRICS[2], 0) > 0.85)
            .count();
        assert!((5..=50).contains(&busy), "{busy}");
    }
}
