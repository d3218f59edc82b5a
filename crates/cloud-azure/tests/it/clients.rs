//! The simulator is no opinion of ours: Microsoft's own clients see in it what was put there, and
//! what we see of it.

use yunhai_cloud::{CloudSeries, MetricsQuery};
use yunhai_test_support::azure::{LOCATIONS, SUBSCRIPTIONS};

use crate::fixture::AzureFixture;
use crate::suite::{Asked, Fixture as _};

const PERIOD_MS: i64 = 300_000;

#[tokio::test(flavor = "multi_thread")]
async fn microsofts_clients_see_what_we_see() {
    let fixture = AzureFixture::start().await;
    let location = LOCATIONS[0];
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(fixture.make_in(SUBSCRIPTIONS[0], location, &format!("web-{number}")));
    }
    fixture.make_in(SUBSCRIPTIONS[0], LOCATIONS[1], "elsewhere");
    fixture.azure.set_power(&ids[3], "stopped");
    fixture.azure.set_power(&ids[4], "deallocated");
    let now_ms = fixture.azure.now_ms();
    let from_ms = (now_ms / PERIOD_MS - 4) * PERIOD_MS;
    let points: Vec<(i64, f64)> = (0..10)
        .map(|minute| (from_ms + minute * 60_000, minute as f64))
        .collect();
    fixture.azure.measure(&ids[0], "Percentage CPU", &points);
    fixture.azure.measure(&ids[0], "Network In Total", &points);

    let account = fixture.account();
    let ours = account.servers().list(&fixture.regions()).await;
    let asked = Asked::default();
    let query = MetricsQuery {
        servers: &ours.servers,
        from_ms,
        until_ms: now_ms,
        interval_secs: 300,
    };
    account.metrics().collect(query, &asked).await;

    let seen = fixture
        .azure
        .seen_by_microsofts_clients(SUBSCRIPTIONS[0], location, from_ms, from_ms + 3 * PERIOD_MS)
        .await
        .unwrap();
    assert_eq!(
        ours.servers.len(),
        seen["machines"].as_object().unwrap().len()
    );
    for server in &ours.servers {
        let theirs = &seen["machines"][&server.server.id];
        assert_eq!(theirs["name"], server.name.as_str());
        assert_eq!(theirs["location"], server.server.region.as_str());
        assert_eq!(theirs["size"], server.instance_type.as_str());
        assert_eq!(theirs["private"][0], server.private_addresses[0].as_str());
        assert_eq!(theirs["public"][0], server.public_addresses[0].as_str());
        assert_eq!(theirs["tags"]["team"], "web");
    }
    let state = |id: &String| seen["machines"][id]["state"].as_str().unwrap();
    assert_eq!(state(&ids[0]), "PowerState/running");
    assert_eq!(state(&ids[3]), "PowerState/stopped");
    assert_eq!(state(&ids[4]), "PowerState/deallocated");

    for (name, column, raw) in [
        ("Percentage CPU", 1, "azure_percentage_cpu_average"),
        ("Network In Total", 2, "azure_network_in_total_total"),
    ] {
        let series = asked.series();
        let is_it = |series: &&CloudSeries| series.metric == raw && series.server.id == ids[0];
        let series = series.iter().find(is_it).unwrap();
        let ours: Vec<(i64, f64)> = series
            .samples
            .iter()
            .map(|sample| (sample.timestamp_ms, sample.value))
            .collect();
        let theirs: Vec<(i64, f64)> = seen["metrics"][&ids[0]][name]
            .as_array()
            .unwrap()
            .iter()
            .map(|point| (point[0].as_i64().unwrap(), point[column].as_f64().unwrap()))
            .collect();
        assert_eq!(ours, theirs, "{name}");
        assert_eq!(theirs.len(), 2);
    }
    assert_eq!(
        seen["life"],
        serde_json::json!([
            "PowerState/running",
            "PowerState/deallocated",
            "PowerState/running",
            "PowerState/running",
            "ResourceNotFound",
        ])
    );
    let refused = &seen["refused"];
    assert_eq!(refused["a wrong secret"], "authentication");
    assert_eq!(refused["a token for another audience"], "authentication");
    assert_eq!(
        refused["an unknown version"],
        "400 InvalidApiVersionParameter"
    );
    assert_eq!(refused["capital letters in ids"], "400 BadRequest");
    assert_eq!(refused["more than fifty"], "400 BadRequest");
    let models = seen["models"].as_array().unwrap();
    for model in [
        "VirtualMachine",
        "InstanceViewStatus",
        "NetworkInterfaceIPConfiguration",
        "PublicIPAddress",
        "ResourceSku",
        "Usage",
        "MetricResultsResponse",
        "MetricValue",
    ] {
        assert!(
            models.iter().any(|seen| seen == model),
            "{model} was held against"
        );
    }
}
