//! Probes against servers of this machine, kept in every database.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::get;
use sea_orm::{ConnectionTrait, Statement};
use tokio_util::sync::CancellationToken;
use yunhai_model::{Secret, is_stale};
use yunhai_monitor::{Error, NewProbe, Probes, ProbesParts, ServerDirectory, ServerSettings};
use yunhai_promql::{MatchOp, Matcher, Queryable, SelectHints};

use super::support::{House, Reverser, change, on_every_database};

/// Serves a page that wants a token, until the test ends; returns its address.
async fn serve() -> String {
    let page = |headers: HeaderMap| async move {
        if headers.get("x-token").is_some_and(|token| token == "hush") {
            "welcome"
        } else {
            "who are you"
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().route("/", get(page));
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}/")
}

async fn probes(house: &House) -> Probes {
    Probes::load(ProbesParts {
        database: house.database.clone(),
        sink: Arc::new(house.series.clone()),
        sealer: Arc::new(Reverser),
        clock: house.clock.clone(),
        concurrency: 4,
    })
    .await
    .unwrap()
}

fn new_probe(name: &str, target: &str) -> NewProbe {
    serde_json::from_value(serde_json::json!({
        "name": name, "target": target, "is_enabled": true, "interval_secs": 1,
        "timeout_ms": 5000, "method": "GET", "headers": {}, "body": null,
        "expected_status": "200-299", "body_match": null, "follow_redirects": true,
        "verify_certificate": true, "ca_certificate_pem": null, "labels": {"team": "shop"},
    }))
    .unwrap()
}

fn guarded(name: &str, target: &str, token: Option<&str>) -> NewProbe {
    let mut new = new_probe(name, target);
    new.headers
        .insert("X-Token".to_owned(), token.map(Secret::new));
    new.body_match = Some("welcome".to_owned());
    new
}

/// The last sample of a metric.
async fn last(house: &House, metric: &str) -> Option<f64> {
    let matcher = Matcher::new("__name__", MatchOp::Equal, metric).unwrap();
    let found = house
        .series
        .select(&[matcher], 0, i64::MAX / 2, &SelectHints::default())
        .await
        .unwrap();
    Some(found.first()?.samples.last()?.value)
}

async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    while !is_so().await {
        assert!(tokio::time::Instant::now() < deadline, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

on_every_database! {
    async fn a_probe_is_kept_with_its_secrets_sealed(house: &mut House) {
        let target = serve().await;
        let probes_before = probes(house).await;
        let probe = change!(house.database, probes_before => add(guarded("shop", &target, Some("hush")))).unwrap();
        let backend = house.database.backend();
        let statement = Statement::from_string(backend, "SELECT body FROM monitor_probe");
        let row = house.database.connection().query_one_raw(statement).await.unwrap().unwrap();
        let stored: String = row.try_get("", "body").unwrap();
        assert!(stored.contains("hsuh") && !stored.contains("hush"), "{stored}");

        // As after a restart; the value that is left out stays.
        let probes = probes(house).await;
        change!(house.database, probes => change(probe.id, guarded("shop 2", &target, None))).unwrap();
        let run = probes.run_now(probe.id).await.unwrap();
        assert_eq!(run.failure, None);
        assert_eq!(run.status, Some(200));
        let run = probes.try_out(guarded("x", &target, None), Some(probe.id)).await.unwrap();
        assert_eq!(run.failure, None);
        let run = probes.try_out(guarded("x", &target, Some("wrong")), None).await.unwrap();
        assert_eq!(run.failure.unwrap().reason.as_str(), "body");
        assert_eq!(probes.get(probe.id).unwrap().0.settings.name, "shop 2");
    }

    async fn wrong_probes_are_refused_and_names_are_unique(house: &mut House) {
        let probes = probes(house).await;
        let first = change!(house.database, probes => add(new_probe("a", "tcp://localhost:1"))).unwrap();
        let twice = change!(house.database, probes => add(new_probe("a", "tcp://localhost:2")));
        assert!(matches!(twice, Err(Error::Conflict(_))), "{twice:?}");
        let second = change!(house.database, probes => add(new_probe("b", "tcp://localhost:2"))).unwrap();
        let renamed = change!(house.database, probes => change(second.id, new_probe("a", "tcp://localhost:2")));
        assert!(matches!(renamed, Err(Error::Conflict(_))), "{renamed:?}");
        let wrong = change!(house.database, probes => add(new_probe("", "ftp://localhost"))).unwrap_err().to_string();
        assert!(wrong.contains("name:") && wrong.contains("target:"), "{wrong}");
        change!(house.database, probes => delete(first.id)).unwrap();
        assert!(matches!(change!(house.database, probes => delete(first.id)), Err(Error::NotFound { .. })));
        assert!(matches!(probes.run_now(first.id).await, Err(Error::NotFound { .. })));
        assert_eq!(probes.all().len(), 1);
    }

    async fn what_is_set_for_servers_is_kept(house: &mut House) {
        let directory = ServerDirectory::load(house.database.clone()).await.unwrap();
        let settings = ServerSettings {
            interval_secs: Some(10),
            region: Some("上海".to_owned()),
            tags: Some([("team".to_owned(), "shop".to_owned())].into()),
            ..ServerSettings::default()
        };
        let other = ServerDirectory::load(house.database.clone()).await.unwrap();
        change!(house.database, directory => put("web-1", |_| settings.clone())).unwrap();
        let wrong = ServerSettings { interval_secs: Some(86_401), ..settings.clone() };
        assert!(matches!(change!(house.database, directory => put("web-1", |_| wrong)), Err(Error::Invalid { .. })));
        let again = ServerDirectory::load(house.database.clone()).await.unwrap();
        assert_eq!(again.get("web-1"), settings);
        assert_eq!(other.get("web-1"), ServerSettings::default());
        // What it has not heard of yet, it does not take back.
        let slower = |settings| ServerSettings { interval_secs: Some(20), ..settings };
        let before = change!(house.database, other => put("web-1", slower)).unwrap();
        assert_eq!(before, settings);
        assert_eq!(other.get("web-1"), slower(settings.clone()));
        directory.reload().await.unwrap();
        assert_eq!(directory.get("web-1"), slower(settings));
    }
}

#[tokio::test]
async fn probes_run_in_their_intervals_and_end_their_series() {
    let house = House::new(yunhai_test_support::databases::Engine::Sqlite).await;
    let target = serve().await;
    let probes = probes(&house).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let (probes, stop) = (probes.clone(), stop.clone());
        async move { probes.run(|| true, stop).await }
    });
    let probe =
        change!(house.database, probes => add(guarded("shop", &target, Some("wrong")))).unwrap();
    eventually("a failure", async || {
        last(&house, "probe_success").await == Some(0.0)
    })
    .await;
    assert_eq!(last(&house, "probe_failure_info").await, Some(1.0));

    change!(house.database, probes => change(probe.id, guarded("shop", &target, Some("hush"))))
        .unwrap();
    eventually("a success", async || {
        last(&house, "probe_success").await == Some(1.0)
    })
    .await;
    assert!(is_stale(last(&house, "probe_failure_info").await.unwrap()));
    let first_at_ms = probes.get(probe.id).unwrap().1.unwrap().at_ms;
    eventually("another run", async || {
        house.clock.advance_ms(1);
        probes.get(probe.id).unwrap().1.unwrap().at_ms > first_at_ms
    })
    .await;

    let mut paused = guarded("shop", &target, None);
    paused.is_enabled = false;
    change!(house.database, probes => change(probe.id, paused)).unwrap();
    eventually("the end of the series", async || {
        is_stale(last(&house, "probe_success").await.unwrap())
    })
    .await;
    assert_eq!(probes.run_now(probe.id).await.unwrap().failure, None);
    stop.cancel();
    running.await.unwrap();
}
