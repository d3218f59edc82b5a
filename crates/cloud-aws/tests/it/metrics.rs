//! What CloudWatch knows becomes ours, in few calls.

use std::collections::BTreeMap;

use yunhai_cloud::{
    CloudSeries, Inventory, Metrics as _, MetricsQuery, MetricsRound, PowerState, ServerAction,
    Servers as _,
};
use yunhai_test_support::clouds::AwsKind;

use crate::fixture::{AwsFixture, REGIONS, open};
use crate::suite::{Asked, Fixture as _};

const PERIOD_MS: i64 = 300_000;

fn query(inventory: &Inventory, now_ms: i64) -> MetricsQuery<'_> {
    MetricsQuery {
        servers: &inventory.servers,
        from_ms: now_ms - 3 * PERIOD_MS,
        until_ms: now_ms,
        interval_secs: 300,
    }
}

fn newest(series: &[CloudSeries]) -> BTreeMap<String, f64> {
    series
        .iter()
        .map(|series| {
            let labels: Vec<String> = series.labels.values().cloned().collect();
            let name = format!("{} {}", series.metric, labels.join(" "));
            (name.trim().to_owned(), series.samples.last().unwrap().value)
        })
        .collect()
}

#[tokio::test]
async fn amazons_metrics_become_ours_beside_their_own_names() {
    let mut fixture = AwsFixture::start(AwsKind::Moto).await;
    let region = REGIONS[0];
    fixture.make(region, "web", 1);
    let account = open(&fixture.aws.endpoint, "setup", "setup").await;
    let inventory = account.list(&[region.to_owned()]).await;
    let server = &inventory.servers[0];
    let id = server.server.id.clone();
    let now_ms = fixture.now_ms();
    let at_ms = (now_ms / PERIOD_MS - 2) * PERIOD_MS;
    let by_id = [("InstanceId", id.as_str())];
    for (name, value) in [
        ("CPUUtilization", 93.5),
        ("NetworkIn", 600_000.0),
        ("NetworkOut", 300_000.0),
        ("EBSReadBytes", 3_000.0),
        ("EBSWriteBytes", 6_000.0),
        ("StatusCheckFailed", 0.0),
        ("CPUCreditBalance", 288.0),
    ] {
        fixture
            .aws
            .put_metric(region, ("AWS/EC2", name), &by_id, &[(at_ms, value)])
            .unwrap();
    }
    // What the agent sends is found by the dimensions that it was sent with: the id among others,
    // or only the name that the machine has for itself.
    let by_all = [
        ("InstanceId", id.as_str()),
        ("ImageId", "ami-1"),
        ("InstanceType", "t3.micro"),
    ];
    fixture
        .aws
        .put_metric(
            region,
            ("CWAgent", "mem_used_percent"),
            &by_all,
            &[(at_ms, 41.0)],
        )
        .unwrap();
    let host = server.host_name.clone().unwrap();
    let host = host.split('.').next().unwrap();
    for (path, fstype, value) in [("/", "ext4", 55.0), ("/run", "tmpfs", 1.0)] {
        let disk = [
            ("path", path),
            ("device", "nvme0n1p1"),
            ("fstype", fstype),
            ("host", host),
        ];
        fixture
            .aws
            .put_metric(
                region,
                ("CWAgent", "disk_used_percent"),
                &disk,
                &[(at_ms, value)],
            )
            .unwrap();
    }
    let stranger = [("host", "ip-192-0-2-1")];
    fixture
        .aws
        .put_metric(
            region,
            ("CWAgent", "mem_used_percent"),
            &stranger,
            &[(at_ms, 99.0)],
        )
        .unwrap();

    let asked = Asked::default();
    let round = account.collect(query(&inventory, now_ms), &asked).await;
    assert_eq!(round, MetricsRound::default());
    let series = asked.series();
    let found = newest(&series);
    for (name, value) in [
        ("server_cpu_utilization_ratio", 0.935),
        ("server_network_receive_bytes_per_second", 2000.0),
        ("server_network_transmit_bytes_per_second", 1000.0),
        ("server_disk_read_bytes_per_second", 10.0),
        ("server_disk_written_bytes_per_second", 20.0),
        ("server_up", 1.0),
        ("server_memory_utilization_ratio", 0.41),
        ("server_filesystem_utilization_ratio nvme0n1p1 ext4 /", 0.55),
        ("aws_ec2_cpuutilization_average", 93.5),
        ("aws_ec2_network_in_sum", 600_000.0),
        ("aws_ec2_cpucredit_balance_average", 288.0),
        ("aws_cwagent_mem_used_percent_average", 41.0),
    ] {
        let got = found
            .get(name)
            .unwrap_or_else(|| panic!("{name} in {found:?}"));
        assert!((got - value).abs() < 1e-9, "{name} is {got}");
    }
    assert!(
        !found.keys().any(|name| name.ends_with("/run")),
        "{found:?}"
    );
    assert!(series.iter().all(|series| series.server.id == id));
    // Seven of the instance, and two of its agent; the third file system is in memory.
    assert_eq!(asked.usage().billed, 9);
    // And the lists of what the agent measures, five of them.
    assert_eq!(asked.usage().cost_micro_usd, 9 * 10 + 5 * 10);
}

#[tokio::test]
async fn what_is_off_is_not_asked_about() {
    let mut fixture = AwsFixture::start(AwsKind::Moto).await;
    let region = REGIONS[0];
    fixture.make(region, "web", 2);
    let account = fixture.account();
    let before = account.servers().list(&[region.to_owned()]).await;
    let off = &before.servers[0].server;
    account
        .lifecycle()
        .act(off, ServerAction::Stop)
        .await
        .unwrap();
    let after = account.servers().list(&[region.to_owned()]).await;
    assert_eq!(after.servers[0].state, PowerState::Stopped);
    let asked = Asked::default();
    let metrics = account.metrics();
    metrics
        .collect(query(&after, fixture.now_ms()), &asked)
        .await;
    assert_eq!(asked.usage().billed, 7, "of one server");
}

#[tokio::test]
async fn five_hundred_metrics_go_into_a_call() {
    let mut fixture = AwsFixture::start(AwsKind::Moto).await;
    let region = REGIONS[0];
    fixture.make(region, "web", 150);
    let account = fixture.account();
    let inventory = account.servers().list(&[region.to_owned()]).await;
    let now_ms = fixture.now_ms();
    let metrics = account.metrics();
    let (first, second) = (Asked::default(), Asked::default());
    metrics.collect(query(&inventory, now_ms), &first).await;
    assert_eq!(
        first.usage().calls,
        3 + 5,
        "1,050 metrics in calls of 500, five lists"
    );
    // The lists of what agents measure come once an hour, and not with the second round.
    metrics.collect(query(&inventory, now_ms), &second).await;
    assert_eq!(second.usage().billed, 150 * 7);
    assert_eq!(second.usage().calls, 3);
    assert_eq!(second.usage().cost_micro_usd, 1050 * 10);
}

#[tokio::test]
async fn a_failing_check_is_down() {
    let mut fixture = AwsFixture::start(AwsKind::Moto).await;
    let region = REGIONS[0];
    fixture.make(region, "web", 1);
    let account = fixture.account();
    let inventory = account.servers().list(&[region.to_owned()]).await;
    let now_ms = fixture.now_ms();
    let at_ms = (now_ms / PERIOD_MS - 2) * PERIOD_MS;
    let id = inventory.servers[0].server.id.clone();
    fixture
        .aws
        .put_metric(
            region,
            ("AWS/EC2", "StatusCheckFailed"),
            &[("InstanceId", &id)],
            &[(at_ms, 1.0)],
        )
        .unwrap();
    let asked = Asked::default();
    let metrics = account.metrics();
    metrics.collect(query(&inventory, now_ms), &asked).await;
    assert_eq!(newest(&asked.series()).get("server_up"), Some(&0.0));
}
