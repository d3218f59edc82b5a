//! What Google measured becomes ours, and costs what it costs.

use std::collections::BTreeMap;

use yunhai_cloud::{CloudSeries, CloudServer, ErrorKind, Metrics as _, MetricsQuery, MetricsRound};
use yunhai_test_support::gcp::Fault;

use crate::fixture::{CPU, GcpFixture, REGIONS, place};
use crate::suite::{Asked, Fixture as _};

const RECEIVED: &str = "compute.googleapis.com/instance/network/received_bytes_count";
const MEMORY: &str = "agent.googleapis.com/memory/percent_used";
const DISK: &str = "agent.googleapis.com/disk/percent_used";
const UPTIME: &str = "compute.googleapis.com/instance/uptime";

/// Servers of the first region, and a whole minute a quarter of an hour ago.
async fn with_servers(count: usize) -> (GcpFixture, Vec<CloudServer>, i64) {
    let mut fixture = GcpFixture::start().await;
    fixture.make(REGIONS[0], "web", count);
    let listed = fixture.account().servers().list(&fixture.regions()).await;
    let at_ms = (fixture.now_ms() / 60_000 - 15) * 60_000;
    (fixture, listed.servers, at_ms)
}

fn query(servers: &[CloudServer], from_ms: i64, until_ms: i64) -> MetricsQuery<'_> {
    MetricsQuery {
        servers,
        from_ms,
        until_ms,
        interval_secs: 300,
    }
}

fn of<'a>(series: &'a [CloudSeries], metric: &str) -> Vec<&'a CloudSeries> {
    series
        .iter()
        .filter(|series| series.metric == metric)
        .collect()
}

fn values(series: &CloudSeries) -> Vec<(i64, f64)> {
    let samples = series.samples.iter();
    samples
        .map(|sample| (sample.timestamp_ms, sample.value))
        .collect()
}

#[tokio::test]
async fn what_was_sent_in_an_interval_becomes_a_rate_over_all_its_parts() {
    let (fixture, servers, at_ms) = with_servers(1).await;
    for (is_balanced, bytes) in [("true", 600.0), ("false", 1200.0)] {
        let points = [(at_ms, bytes), (at_ms + 60_000, 2.0 * bytes)];
        fixture.google.measure(
            RECEIVED,
            place(&servers[0]),
            &[("loadbalanced", is_balanced)],
            &points,
        );
    }
    let asked = Asked::default();
    let account = fixture.account();
    let round = account
        .metrics()
        .collect(query(&servers, at_ms, fixture.now_ms()), &asked)
        .await;
    assert_eq!(round, MetricsRound::default());
    let series = asked.series();
    let [rate] = of(&series, "server_network_receive_bytes_per_second")[..] else {
        panic!("there is one: {series:?}")
    };
    assert_eq!(values(rate), [(at_ms, 30.0), (at_ms + 60_000, 60.0)]);
    assert!(rate.labels.is_empty());
    let raw = of(
        &series,
        "stackdriver_gce_instance_compute_googleapis_com_instance_network_received_bytes_count",
    );
    assert_eq!(raw.len(), 2, "Google's own series stay apart");
    assert_eq!(raw[0].labels["loadbalanced"], "false");
    assert_eq!(values(raw[0])[0], (at_ms, 1200.0));
}

#[tokio::test]
async fn a_sum_waits_until_all_its_parts_can_be_there() {
    let (fixture, servers, _) = with_servers(1).await;
    let now_ms = fixture.now_ms();
    let young_ms = now_ms - 120_000;
    let points = [(now_ms - 300_000, 60.0), (young_ms, 60.0)];
    for kind in [RECEIVED, UPTIME] {
        fixture
            .google
            .measure(kind, place(&servers[0]), &[], &points);
    }
    let asked = Asked::default();
    let account = fixture.account();
    let wanted = query(&servers, now_ms - 900_000, now_ms);
    account.metrics().collect(wanted, &asked).await;
    let series = asked.series();
    let rate = of(&series, "server_network_receive_bytes_per_second");
    assert_eq!(values(rate[0]), [(now_ms - 300_000, 1.0)]);
    let up = of(&series, "server_up");
    assert_eq!(values(up[0]), [(now_ms - 300_000, 1.0), (young_ms, 1.0)]);
}

#[tokio::test]
async fn the_agents_percent_become_shares_of_what_is_a_disk() {
    let (fixture, servers, at_ms) = with_servers(2).await;
    let google = &fixture.google;
    for (state, percent) in [("used", 42.0), ("free", 50.0)] {
        google.measure(
            MEMORY,
            place(&servers[0]),
            &[("state", state)],
            &[(at_ms, percent)],
        );
    }
    for device in ["/dev/sda1", "/dev/loop0", "tmpfs"] {
        let labels = [("device", device), ("state", "used")];
        google.measure(DISK, place(&servers[0]), &labels, &[(at_ms, 75.0)]);
    }
    let asked = Asked::default();
    let account = fixture.account();
    let wanted = query(&servers, at_ms, fixture.now_ms());
    let round = account.metrics().collect(wanted, &asked).await;
    assert_eq!(round, MetricsRound::default());
    let series = asked.series();
    let memory = of(&series, "server_memory_utilization_ratio");
    assert_eq!(memory.len(), 1, "what is free is not asked for");
    assert_eq!(values(memory[0]), [(at_ms, 0.42)]);
    let disks = of(&series, "server_filesystem_utilization_ratio");
    assert_eq!(disks.len(), 1);
    assert_eq!(
        disks[0].labels,
        BTreeMap::from([("device".to_owned(), "/dev/sda1".to_owned())])
    );
    assert!(
        series
            .iter()
            .all(|series| series.server == servers[0].server),
        "the server without the agent has nothing, not 0"
    );
}

#[tokio::test]
async fn only_what_is_wanted_comes_with_both_ends_of_the_window_right() {
    let (fixture, servers, at_ms) = with_servers(1).await;
    let points: Vec<(i64, f64)> = (0..5).map(|n| (at_ms + n * 60_000, 0.1)).collect();
    fixture
        .google
        .measure(CPU, place(&servers[0]), &[], &points);
    let asked = Asked::default();
    let account = fixture.account();
    let wanted = query(&servers, at_ms + 60_000, at_ms + 180_000);
    account.metrics().collect(wanted, &asked).await;
    let series = asked.series();
    let cpu = of(&series, "server_cpu_utilization_ratio");
    let times: Vec<i64> = values(cpu[0]).iter().map(|(at_ms, _)| *at_ms).collect();
    assert_eq!(times, [at_ms + 60_000, at_ms + 120_000]);
}

#[tokio::test]
async fn a_project_is_asked_once_for_each_metric_and_followed_over_pages() {
    let (fixture, servers, at_ms) = with_servers(30).await;
    for server in &servers {
        let points: Vec<(i64, f64)> = (0..10).map(|n| (at_ms + n * 60_000, 0.1)).collect();
        fixture.google.measure(CPU, place(server), &[], &points);
    }
    let account = fixture.account();
    let wanted = query(&servers, at_ms, at_ms + 600_000);
    account.metrics().collect(wanted, &Asked::default()).await;
    assert_eq!(
        fixture.google.calls("monitoring.projects.timeSeries.list"),
        8
    );

    fixture.google.set_page(70);
    let asked = Asked::default();
    let round = account.metrics().collect(wanted, &asked).await;
    assert_eq!(round, MetricsRound::default());
    assert_eq!(
        fixture.google.calls("monitoring.projects.timeSeries.list"),
        8 + 8 + 4
    );
    assert_eq!(asked.usage().calls, 12);
    let series = asked.series();
    let cpu = of(&series, "server_cpu_utilization_ratio");
    assert_eq!(cpu.len(), 30, "a series over two pages is one");
    assert!(cpu.iter().all(|series| series.samples.len() == 10));
}

#[tokio::test]
async fn series_that_were_returned_are_paid_for() {
    let (fixture, servers, at_ms) = with_servers(4).await;
    for server in &servers {
        for device in ["sda1", "sdb1", "sdc1"] {
            let labels = [("device", device), ("state", "used")];
            fixture
                .google
                .measure(DISK, place(server), &labels, &[(at_ms, 75.0)]);
        }
    }
    let account = fixture.account();
    let wanted = query(&servers, at_ms, fixture.now_ms());
    let first = Asked::default();
    account.metrics().collect(wanted, &first).await;
    // Twelve of the disks, of the seven others four each, as many as there are servers.
    assert_eq!(first.usage().billed, 12 + 7 * 4);
    let second = Asked::default();
    account.metrics().collect(wanted, &second).await;
    assert_eq!(
        second.usage().billed,
        12 + 7,
        "what came the last time is expected"
    );
    assert_eq!(second.usage().cost_micro_usd, 6 + 7);

    let poor = Asked::with_budget(5);
    let round = account.metrics().collect(wanted, &poor).await;
    assert!(round.is_over_budget);
    assert_eq!(round.unread.iter().collect::<Vec<_>>(), [REGIONS[0]]);
    assert!(poor.usage().cost_micro_usd <= 5);
    assert_eq!(
        of(&poor.series(), "server_filesystem_utilization_ratio").len(),
        0
    );
}

#[tokio::test]
async fn what_is_off_is_not_asked_about() {
    let (fixture, servers, at_ms) = with_servers(1).await;
    let name = servers[0].name.clone();
    fixture.google.set(
        "of-tests",
        &name,
        "status",
        &serde_json::json!("TERMINATED"),
    );
    let account = fixture.account();
    let listed = account.servers().list(&fixture.regions()).await;
    let asked = Asked::default();
    let wanted = query(&listed.servers, at_ms, fixture.now_ms());
    account.metrics().collect(wanted, &asked).await;
    assert_eq!(asked.usage().calls, 0);
}

#[tokio::test]
async fn what_google_could_not_read_is_told_and_asked_for_again() {
    let (fixture, servers, at_ms) = with_servers(1).await;
    fixture
        .google
        .measure(CPU, place(&servers[0]), &[], &[(at_ms, 0.5)]);
    fixture
        .google
        .fail(Fault::ExecutionError("a shard did not answer".to_owned()));
    fixture
        .google
        .fail(Fault::MetricsUnreachable("us-west1".to_owned()));
    let asked = Asked::default();
    let account = fixture.account();
    let wanted = query(&servers, at_ms, fixture.now_ms());
    let round = account.metrics().collect(wanted, &asked).await;
    assert_eq!(round.missing.len(), 2, "each is told once: {round:?}");
    assert_eq!(round.missing[0].error.kind, ErrorKind::Unavailable);
    assert!(round.missing[0].error.said.contains("shard"));
    assert_eq!(round.missing[1].scope, "us-west1");
    assert_eq!(round.unread.iter().collect::<Vec<_>>(), REGIONS);
    let series = asked.series();
    assert_eq!(
        of(&series, "server_cpu_utilization_ratio").len(),
        1,
        "the rest is kept"
    );
}

#[tokio::test]
async fn the_newest_measurement_is_waited_for_as_long_as_google_needs() {
    let (fixture, servers, _) = with_servers(1).await;
    assert_eq!(fixture.of_both().delay_secs(&servers[0]), 300);
}
