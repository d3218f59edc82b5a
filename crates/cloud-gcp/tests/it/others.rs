//! What others make of the simulator, and what we make of an emulator that others wrote: that the
//! tests are not our own opinion.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use yunhai_cloud::{Account as _, MetricsQuery, OperationState, PowerState, Servers as _};
use yunhai_test_support::gcp::{GcpLocal, GoogleClients};

use crate::fixture::{CPU, GcpFixture, PROJECT, REGIONS, open, place};
use crate::suite::{Asked, Fixture as _};

/// Google's clients at the simulator.
fn clients(fixture: &GcpFixture) -> GoogleClients {
    let key = fixture.google.key(PROJECT);
    GoogleClients::start(&fixture.google.base_url(), &key).expect("the clients start")
}

fn order(name: &str, zone: &str) -> Value {
    json!({
        "name": name,
        "machineType": format!("zones/{zone}/machineTypes/e2-medium"),
        "disks": [{
            "boot": true,
            "initializeParams": {
                "sourceImage": "projects/debian-cloud/global/images/family/debian-12",
            },
        }],
        "networkInterfaces": [{ "network": "global/networks/default" }],
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn googles_client_lists_the_same_servers() {
    let mut fixture = GcpFixture::start().await;
    for region in REGIONS {
        fixture.make(region, "web", 5);
    }
    let listed = fixture.account().servers().list(&fixture.regions()).await;
    let ours: BTreeSet<String> = listed
        .servers
        .iter()
        .map(|server| {
            let (_, zone, number) = place(server);
            format!("{number} {} zones/{zone} RUNNING", server.name)
        })
        .collect();
    let question = json!({ "do": "list", "project": PROJECT, "page": 3 });
    let theirs = clients(&fixture).ask(&question).unwrap();
    let theirs: BTreeSet<String> = theirs
        .as_array()
        .unwrap()
        .iter()
        .map(|server| {
            let of = |field: &str| server[field].as_str().unwrap();
            format!(
                "{} {} {} {}",
                of("id"),
                of("name"),
                of("zone"),
                of("status")
            )
        })
        .collect();
    assert_eq!(ours.len(), 10);
    assert_eq!(ours, theirs);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_googles_client_makes_and_stops_is_seen() {
    let fixture = GcpFixture::start().await;
    let mut clients = clients(&fixture);
    let (zone, region) = ("us-west1-b", ["us-west1".to_owned()]);
    let question = json!({ "do": "make", "project": PROJECT, "zone": zone, "instance": order("theirs", zone) });
    let made = clients.ask(&question).unwrap();
    assert_eq!(made["errors"], json!([]));
    let account = fixture.account();
    let listed = account.servers().list(&region).await;
    assert_eq!(listed.servers[0].name, "theirs");
    assert_eq!(listed.servers[0].state, PowerState::Running);
    for (verb, state) in [
        ("stop", PowerState::Stopped),
        ("start", PowerState::Running),
    ] {
        let question = json!({
            "do": "change", "verb": verb, "project": PROJECT, "zone": zone, "instance": "theirs",
        });
        clients.ask(&question).unwrap();
        let listed = account.servers().list(&region).await;
        assert_eq!(listed.servers[0].state, state, "after {verb}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn googles_client_reads_the_same_measurements() {
    let mut fixture = GcpFixture::start().await;
    fixture.make(REGIONS[0], "web", 3);
    let account = fixture.account();
    let servers = account.servers().list(&fixture.regions()).await.servers;
    let at_ms = (fixture.now_ms() / 60_000 - 15) * 60_000;
    for (number, server) in servers.iter().enumerate() {
        let points: Vec<(i64, f64)> = (0..5)
            .map(|n| (at_ms + n * 60_000, 0.1 * (number + 1) as f64))
            .collect();
        fixture.google.measure(CPU, place(server), &[], &points);
    }
    let (from_ms, until_ms) = (at_ms, at_ms + 240_000);
    let query = MetricsQuery {
        servers: &servers,
        from_ms,
        until_ms,
        interval_secs: 300,
    };
    let asked = Asked::default();
    account.metrics().collect(query, &asked).await;
    let ours: BTreeSet<String> = asked
        .series()
        .iter()
        .filter(|series| series.metric == "server_cpu_utilization_ratio")
        .flat_map(|series| {
            let server = servers.iter().find(|server| server.server == series.server);
            let (_, _, number) = place(server.unwrap());
            let samples = series.samples.iter();
            samples.map(move |sample| format!("{number} {} {}", sample.timestamp_ms, sample.value))
        })
        .collect();
    // Its interval begins after its start.
    let moment = |at_ms| {
        jiff::Timestamp::from_millisecond(at_ms)
            .unwrap()
            .to_string()
    };
    let question = json!({
        "do": "measurements",
        "project": PROJECT,
        "page": 4,
        "filter": format!("metric.type = \"{CPU}\""),
        "interval_startTime": moment(from_ms - 1),
        "interval_endTime": moment(until_ms - 1),
        "view": "FULL",
    });
    let theirs = clients(&fixture).ask(&question).unwrap();
    let theirs: BTreeSet<String> = theirs
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|series| {
            let number = series["resource"]["labels"]["instance_id"]
                .as_str()
                .unwrap();
            series["points"]
                .as_array()
                .unwrap()
                .iter()
                .map(move |point| {
                    let end = point["interval"]["endTime"].as_str().unwrap();
                    let end: jiff::Timestamp = end.parse().unwrap();
                    let value = point["value"]["doubleValue"].as_f64().unwrap();
                    format!("{number} {} {value}", end.as_millisecond())
                })
        })
        .collect();
    assert_eq!(ours.len(), 12);
    assert_eq!(ours, theirs);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn googles_client_is_refused_where_we_would_be() {
    let fixture = GcpFixture::start().await;
    let google = &fixture.google;
    let list = json!({ "do": "list", "project": PROJECT, "page": 3 });
    let wrong = google.wrong_key(PROJECT);
    let mut with_wrong = GoogleClients::start(&google.base_url(), &wrong).unwrap();
    let error = with_wrong.ask(&list).unwrap_err().to_string();
    assert!(error.contains("Invalid JWT Signature"), "{error}");

    let mut clients = clients(&fixture);
    google.grant(&[]);
    let error = clients.ask(&list).unwrap_err().to_string();
    assert!(error.contains("Forbidden"), "{error}");
    let two_metrics = json!({
        "do": "measurements",
        "project": PROJECT,
        "page": 4,
        "filter": format!("metric.type = \"{CPU}\" AND metric.type = \"x\""),
        "interval_startTime": "2026-01-01T00:00:00Z",
        "interval_endTime": "2026-01-01T00:05:00Z",
    });
    let error = clients.ask(&two_metrics).unwrap_err().to_string();
    assert!(
        error.contains("403"),
        "without the right nothing else is told: {error}"
    );
    google.grant(&["monitoring.timeSeries.list"]);
    let error = clients.ask(&two_metrics).unwrap_err().to_string();
    assert!(error.contains("400"), "{error}");
}

#[tokio::test]
async fn what_google_does_not_describe_is_refused_and_noted() {
    let fixture = GcpFixture::start().await;
    let base = format!(
        "{}/compute/v1/projects/{PROJECT}",
        fixture.google.base_url()
    );
    let http = reqwest::Client::new();
    for (address, body) in [
        (format!("{base}/aggregated/instances?pageSize=5"), None),
        (format!("{base}/aggregated/instances?maxResults=many"), None),
        (format!("{base}/everything"), None),
        (format!("{base}/zones/Europe/machineTypes/e2-medium"), None),
        (
            format!("{base}/zones/us-west1-a/instances"),
            Some(json!({ "name": "web", "machine_type": "e2-medium" })),
        ),
        (
            format!("{base}/zones/us-west1-a/instances"),
            Some(json!({ "disks": [{ "diskSizeGb": 10 }] })),
        ),
    ] {
        let request = match &body {
            Some(body) => http.post(&address).json(body),
            None => http.get(&address),
        };
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 400, "{address}");
        assert_eq!(fixture.google.violations().len(), 1, "{address} {body:?}");
        fixture.google.forget_violations();
    }
}

#[tokio::test]
async fn what_google_does_not_describe_is_noted_in_answers_too() {
    let mut fixture = GcpFixture::start().await;
    fixture.make(REGIONS[0], "web", 1);
    let account = fixture.account();
    let name = format!("web-{}-0", REGIONS[0]);
    for (field, value) in [
        ("colour", json!("red")),
        ("deletionProtection", json!("yes")),
        ("status", json!("SLEEPING")),
        ("id", json!("web")),
        ("labels", json!({ "team": 5 })),
    ] {
        let before = fixture.google.set(PROJECT, &name, field, &value);
        account.servers().list(&fixture.regions()).await;
        let violations = fixture.google.violations();
        assert!(
            violations.concat().contains(field),
            "{field}: {violations:?}"
        );
        fixture.google.set(PROJECT, &name, field, &before);
        fixture.google.forget_violations();
    }
}

#[tokio::test]
async fn an_emulator_that_others_wrote_takes_our_orders() {
    let fixture = GcpFixture::start().await;
    let emulator = GcpLocal::start().await.unwrap();
    let account = open(&emulator.endpoint, &fixture.google.key(PROJECT), &[]);
    let mut order = fixture.order(REGIONS[0], "made");
    order.zone = Some("europe-west3-a".to_owned());
    order.disk_gib = Some(20);
    let made = account.lifecycle().create(&order, "token").await.unwrap();
    assert_eq!(made.servers.len(), 1);
    let state = account.lifecycle().follow(&made).await.unwrap();
    assert_eq!(state, OperationState::Done);
    // It has no list of all zones, which is told and taken for nothing else.
    let listed = account.list(&fixture.regions()).await;
    assert_eq!(listed.servers, []);
    assert_eq!(listed.missing.len(), 2);
}
