//! What Monitor knows becomes ours, in few calls.

use std::collections::BTreeMap;

use serde_json::json;
use yunhai_cloud::{
    CloudSeries, Error, ErrorKind, Inventory, Metrics as _, MetricsQuery, MetricsRound,
    Servers as _,
};
use yunhai_test_support::azure::{LOCATIONS, MetricFault, SUBSCRIPTIONS};

use crate::fixture::{AzureFixture, with};
use crate::suite::{Asked, Fixture as _};

const PERIOD_MS: i64 = 300_000;

fn query(inventory: &Inventory, now_ms: i64) -> MetricsQuery<'_> {
    MetricsQuery {
        servers: &inventory.servers,
        from_ms: now_ms - 4 * PERIOD_MS,
        until_ms: now_ms,
        interval_secs: 300,
    }
}

fn newest(series: &[CloudSeries]) -> BTreeMap<&str, f64> {
    series
        .iter()
        .map(|series| (series.metric.as_str(), series.samples.last().unwrap().value))
        .collect()
}

fn batches(fixture: &AzureFixture) -> usize {
    let requests = fixture.azure.requests();
    requests.iter().filter(|r| r.ends_with("getbatch")).count()
}

#[tokio::test]
async fn azures_metrics_become_ours_beside_their_own_names() {
    let fixture = AzureFixture::start().await;
    let id = fixture.make_in(SUBSCRIPTIONS[0], LOCATIONS[0], "web");
    let now_ms = fixture.azure.now_ms();
    let at_ms = (now_ms / PERIOD_MS - 2) * PERIOD_MS;
    for (name, value) in [
        ("Percentage CPU", 93.5),
        ("Available Memory Percentage", 59.0),
        ("Available Memory Bytes", 4_000_000_000.0),
        ("Network In Total", 120_000.0),
        ("Network Out Total", 60_000.0),
        ("Disk Read Bytes", 600.0),
        ("Disk Write Bytes", 1_200.0),
        ("VmAvailabilityMetric", 1.0),
    ] {
        // Each minute of the period, as Azure measures.
        let minutes: Vec<(i64, f64)> = (0..5).map(|m| (at_ms + m * 60_000, value)).collect();
        fixture.azure.measure(&id, name, &minutes);
    }
    let account = fixture.account();
    let inventory = account.servers().list(&fixture.regions()).await;
    let asked = Asked::default();
    let round = account
        .metrics()
        .collect(query(&inventory, now_ms), &asked)
        .await;
    assert_eq!(round, MetricsRound::default());
    let series = asked.series();
    let found = newest(&series);
    for (name, value) in [
        ("server_cpu_utilization_ratio", 0.935),
        ("server_memory_utilization_ratio", 0.41),
        ("server_memory_available_bytes", 4_000_000_000.0),
        ("server_network_receive_bytes_per_second", 2000.0),
        ("server_network_transmit_bytes_per_second", 1000.0),
        ("server_disk_read_bytes_per_second", 10.0),
        ("server_disk_written_bytes_per_second", 20.0),
        ("server_up", 1.0),
        ("azure_percentage_cpu_average", 93.5),
        ("azure_network_in_total_total", 600_000.0),
    ] {
        let got = found
            .get(name)
            .unwrap_or_else(|| panic!("{name} in {found:?}"));
        assert!((got - value).abs() < 1e-6, "{name} is {got}");
    }
    assert_eq!(found.len(), 16);
    for series in &series {
        let times: Vec<i64> = series.samples.iter().map(|s| s.timestamp_ms).collect();
        assert_eq!(
            times,
            [at_ms],
            "what was not measured is absent: {}",
            series.metric
        );
    }
    assert_eq!(asked.usage().calls, 1);
    assert_eq!(asked.usage().billed, 8);
    assert_eq!(asked.usage().cost_micro_usd, 80);
}

#[tokio::test]
async fn who_asks_each_minute_gets_minutes() {
    let fixture = AzureFixture::start().await;
    let id = fixture.make_in(SUBSCRIPTIONS[0], LOCATIONS[0], "web");
    let now_ms = fixture.azure.now_ms();
    let at_ms = (now_ms / 60_000 - 6) * 60_000;
    let minutes = [(at_ms, 10.0), (at_ms + 60_000, 20.0)];
    fixture.azure.measure(&id, "Percentage CPU", &minutes);
    let account = fixture.account();
    let inventory = account.servers().list(&fixture.regions()).await;
    let mut query = query(&inventory, now_ms);
    query.interval_secs = 60;
    let asked = Asked::default();
    account.metrics().collect(query, &asked).await;
    let series = asked.series();
    let cpu = series
        .iter()
        .find(|s| s.metric == "azure_percentage_cpu_average");
    let values: Vec<f64> = cpu.unwrap().samples.iter().map(|s| s.value).collect();
    assert_eq!(values, [10.0, 20.0]);
}

#[tokio::test]
async fn fifty_servers_of_a_subscription_and_a_region_go_into_a_call() {
    let fixture = AzureFixture::start().await;
    for number in 0..60 {
        fixture.make_in(SUBSCRIPTIONS[0], LOCATIONS[0], &format!("a-{number}"));
    }
    fixture.make_in(SUBSCRIPTIONS[1], LOCATIONS[0], "b");
    fixture.make_in(SUBSCRIPTIONS[0], LOCATIONS[1], "c");
    let off = fixture.make_in(SUBSCRIPTIONS[0], LOCATIONS[1], "off");
    fixture.azure.set_power(&off, "deallocated");
    let account = fixture.account();
    let inventory = account.servers().list(&fixture.regions()).await;
    assert_eq!(inventory.servers.len(), 63);
    let asked = Asked::default();
    let now_ms = fixture.azure.now_ms();
    let round = account
        .metrics()
        .collect(query(&inventory, now_ms), &asked)
        .await;
    assert_eq!(round, MetricsRound::default());
    assert_eq!(batches(&fixture), 4, "50 and 10, and one each");
    assert_eq!(asked.usage().calls, 4);
    assert_eq!(
        asked.usage().billed,
        62 * 8,
        "what is off is not asked about"
    );
}

#[tokio::test]
async fn a_metric_that_fails_is_told_and_hides_no_other() {
    let fixture = AzureFixture::start().await;
    let id = fixture.make_in(SUBSCRIPTIONS[0], LOCATIONS[0], "web");
    let now_ms = fixture.azure.now_ms();
    let at_ms = (now_ms / PERIOD_MS - 2) * PERIOD_MS;
    fixture
        .azure
        .measure(&id, "Percentage CPU", &[(at_ms, 10.0)]);
    fixture.azure.fail_metric(MetricFault {
        metric: "Disk Read Bytes".to_owned(),
        code: "Throttled".to_owned(),
        message: "Query was throttled.".to_owned(),
    });
    let account = fixture.account();
    let inventory = account.servers().list(&fixture.regions()).await;
    let asked = Asked::default();
    let round = account
        .metrics()
        .collect(query(&inventory, now_ms), &asked)
        .await;
    let [missing] = &round.missing[..] else {
        panic!("it is told once: {round:?}")
    };
    let Error {
        kind, said, code, ..
    } = &missing.error;
    assert_eq!(*kind, ErrorKind::Throttled);
    assert_eq!(
        (said.as_str(), code.as_deref()),
        ("Query was throttled.", Some("Throttled"))
    );
    assert!(round.unread.contains(LOCATIONS[0]), "it is asked for again");
    assert!(newest(&asked.series()).contains_key("server_cpu_utilization_ratio"));
}

#[tokio::test]
async fn metrics_have_tokens_of_their_own() {
    let fixture = AzureFixture::start().await;
    fixture.make_in(SUBSCRIPTIONS[0], LOCATIONS[0], "web");
    let account = with(&fixture.azure, |settings| {
        settings["regions"] = json!([LOCATIONS[0]]);
    });
    let inventory = account.list(&[LOCATIONS[0].to_owned()]).await;
    for _ in 0..3 {
        let asked = Asked::default();
        let round = account
            .collect(query(&inventory, fixture.azure.now_ms()), &asked)
            .await;
        assert_eq!(round, MetricsRound::default());
    }
    assert_eq!(
        fixture.azure.sign_ins(),
        2,
        "one for each audience, and kept"
    );
}
