//! What Grafana's Prometheus data source asks, as it asks it.
//!
//! The requests are those of Grafana 11 and 12 (github.com/grafana/grafana): its backend in
//! `pkg/promlib` (`client/client.go`, `healthcheck.go`, `heuristics.go`, `converter/prom.go`), its
//! editor in `packages/grafana-prometheus/src` (`datasource.ts`, `resource_clients.ts`,
//! `metric_find_query.ts`). The method is POST unless a data source is set to GET. What the editor
//! looks up goes out as POST too, also to addresses that only take GET: on 405 or 400 the backend
//! asks again by GET, with the form in the address.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use url::form_urlencoded;
use yunhai_identity::Role;
use yunhai_model::{Clock, SystemClock};
use yunhai_test_support::remote_write::{Metadata, Series, WriteRequest};

use crate::harness::{TestServer, answer, eventually};

/// The most entries that the editor asks for (`DEFAULT_SERIES_LIMIT`).
const LIMIT: &str = "40000";

/// Remote write's number for a counter.
const COUNTER: i32 = 1;

type Form<'a> = &'a [(&'a str, &'a str)];

/// A data source: the URL with the API under it, and a token that may read.
struct Grafana {
    server: TestServer,
    token: String,
    /// The range of the dashboard, in seconds.
    from: String,
    to: String,
}

impl Grafana {
    /// Connects to a server that has a counter of two machines.
    async fn connect() -> Self {
        let server = TestServer::start().await;
        let admin = server.sign_in_new("ada", Role::Administrator).await;
        let token = admin.token(&["servers:read"]).await;
        let now_ms = SystemClock.now_ms();
        let series = ["web-1", "web-2"].map(|machine| {
            let labels = [("__name__", "orders_total"), ("machine", machine)];
            let samples = (0..=10).map(|at| (now_ms - (10 - at) * 15_000, at as f64));
            Series::new(labels, samples)
        });
        let metadata = Metadata {
            kind: COUNTER,
            metric: "orders_total".to_owned(),
            help: "Orders so far".to_owned(),
        };
        let request = WriteRequest {
            series: series.into(),
            metadata: vec![metadata],
        };
        let write = admin
            .request(Method::POST, "/prometheus/api/v1/write")
            .header("content-encoding", "snappy")
            .header("content-type", "application/x-protobuf");
        let (status, refusal) = answer(write.body(request.body())).await;
        assert_eq!(status, StatusCode::NO_CONTENT, "{refusal}");
        let seconds = |ms: i64| format!("{}.{:03}", ms / 1000, ms % 1000);
        Self {
            from: seconds(now_ms - 150_000),
            to: seconds(now_ms),
            token,
            server,
        }
    }

    async fn ask(&self, method: Method, path: &str, form: Option<Form<'_>>) -> (StatusCode, Value) {
        let path = format!("/prometheus/{path}");
        let mut request = self.server.request(method, &path).bearer_auth(&self.token);
        if let Some(form) = form {
            request = request.form(form);
        }
        answer(request).await
    }

    /// Asks a query as panels and alert rules do: by POST, and by GET where the source is set so.
    /// Both must answer alike.
    async fn query(&self, path: &str, form: Form<'_>) -> (StatusCode, Value) {
        let by_post = self.ask(Method::POST, path, Some(form)).await;
        let by_get = self.ask(Method::GET, &with_query(path, form), None).await;
        assert_eq!(by_post, by_get, "{path} {form:?}");
        by_post
    }

    /// Looks something up as the editor does, and returns the answer's data.
    async fn look_up(&self, path: &str, form: Form<'_>) -> Value {
        const GET_ONLY: [&str; 2] = ["api/v1/label/", "api/v1/metadata"];
        let by_get = with_query(path, form);
        let mut found = if GET_ONLY.iter().any(|only| path.starts_with(only)) {
            self.ask(Method::GET, &by_get, None).await
        } else {
            self.ask(Method::POST, path, Some(form)).await
        };
        if [StatusCode::METHOD_NOT_ALLOWED, StatusCode::BAD_REQUEST].contains(&found.0) {
            found = self.ask(Method::GET, &by_get, None).await;
        }
        let (status, mut answer) = found;
        assert_eq!(
            (status, &answer["status"]),
            (StatusCode::OK, &json!("success")),
            "{path} {form:?}: {answer}"
        );
        answer["data"].take()
    }
}

fn with_query(path: &str, form: Form<'_>) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish();
    format!("{path}?{query}")
}

/// Counts the entries of a list.
fn count(list: &Value) -> usize {
    list.as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn grafana_saves_and_tests_the_data_source() {
    let grafana = Grafana::connect().await;
    // The health check asks at the fourth second of 1970.
    let check = [("query", "1+1"), ("time", "4")];
    let (status, answer) = grafana.query("api/v1/query", &check).await;
    assert_eq!(status, StatusCode::OK);
    let expected =
        json!({"status": "success", "data": {"resultType": "scalar", "result": [4, "2"]}});
    assert_eq!(numbers_alike(answer), numbers_alike(expected));
    // With features it would be taken for Mimir.
    let info = grafana.look_up("api/v1/status/buildinfo", &[]).await;
    assert_eq!(info["version"], "2.42.0");
    assert_eq!(info["features"], Value::Null);

    let path = "/prometheus/api/v1/query";
    let stranger = grafana.server.request(Method::POST, path).form(&check);
    let (status, refusal) = crate::harness::answer(stranger).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(refusal["status"], "error");
    assert!(refusal["error"].is_string(), "{refusal}");
}

/// Makes whole numbers floats, as one JSON number is the other.
fn numbers_alike(value: Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(list) => list.into_iter().map(numbers_alike).collect(),
        Value::Object(fields) => {
            let alike = |(name, value)| (name, numbers_alike(value));
            fields.into_iter().map(alike).collect()
        }
        other => other,
    }
}

#[tokio::test]
async fn grafana_offers_metrics_labels_and_values() {
    let grafana = Grafana::connect().await;
    let range = [
        ("start", &*grafana.from),
        ("end", &*grafana.to),
        ("limit", LIMIT),
    ];
    let matching = |selector| [&[("match[]", selector)], &range[..]].concat();
    let of_orders = matching("orders_total");

    let names = grafana
        .look_up("api/v1/label/__name__/values", &range)
        .await;
    let names = names.as_array().unwrap();
    assert!(names.contains(&json!("orders_total")), "{names:?}");
    assert!(names.iter().all(Value::is_string), "{names:?}");
    let labels = grafana.look_up("api/v1/labels", &of_orders).await;
    assert_eq!(labels, json!(["__name__", "machine"]));
    let all = grafana.look_up("api/v1/labels", &range).await;
    assert!(all.as_array().unwrap().contains(&json!("machine")), "{all}");
    let values = grafana
        .look_up("api/v1/label/machine/values", &of_orders)
        .await;
    assert_eq!(values, json!(["web-1", "web-2"]));
    let filtered = matching("{machine!=\"web-1\",__name__=\"orders_total\"}");
    let values = grafana
        .look_up("api/v1/label/machine/values", &filtered)
        .await;
    assert_eq!(values, json!(["web-2"]));

    let series = grafana.look_up("api/v1/series", &of_orders).await;
    let first = json!({"__name__": "orders_total", "machine": "web-1"});
    assert_eq!((count(&series), &series[0]), (2, &first));
    let all = grafana
        .look_up("api/v1/series", &matching("{__name__!=\"\"}"))
        .await;
    assert!(all.as_array().unwrap().contains(&first), "{all}");
    let one = [("match[]", "orders_total"), ("limit", "1")];
    assert_eq!(count(&grafana.look_up("api/v1/series", &one).await), 1);

    let metadata = grafana
        .look_up("api/v1/metadata", &[("limit", LIMIT)])
        .await;
    let told = json!([{"type": "counter", "help": "Orders so far", "unit": ""}]);
    assert_eq!(metadata["orders_total"], told);
    let variable = [("query", "count(orders_total)"), ("time", &*grafana.to)];
    let result = grafana.look_up("api/v1/query", &variable).await;
    assert_eq!(result["resultType"], "vector");
    assert_eq!(result["result"][0]["value"][1], "2");
}

#[tokio::test]
async fn grafana_draws_panels() {
    let grafana = Grafana::connect().await;
    let range = [("start", &*grafana.from), ("end", &*grafana.to)];
    for step in ["15", "0.5"] {
        let panel = [
            ("query", "rate(orders_total[1m])"),
            ("step", step),
            ("timeout", "60s"),
        ];
        let form = [&panel[..], &range].concat();
        let (status, answer) = grafana.query("api/v1/query_range", &form).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        let data = &answer["data"];
        assert_eq!(
            (&data["resultType"], count(&data["result"])),
            (&json!("matrix"), 2)
        );
        let (series, value) = (&data["result"][0], &data["result"][0]["values"][0]);
        assert_eq!(series["metric"], json!({"machine": "web-1"}));
        assert!(value[0].is_number() && value[1].is_string(), "{value}");
        assert!(value[1].as_str().unwrap().parse::<f64>().unwrap() > 0.0);
    }
    let table = [("query", "orders_total"), ("time", &*grafana.to)];
    let (_, answer) = grafana.query("api/v1/query", &table).await;
    assert_eq!(answer["data"]["resultType"], "vector");
    assert_eq!(answer["data"]["result"][1]["value"][1], "10");

    let typo = [
        &[("query", "rate(orders_total[1m"), ("step", "15")],
        &range[..],
    ]
    .concat();
    let (status, answer) = grafana.query("api/v1/query_range", &typo).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(
        (&answer["status"], &answer["errorType"]),
        (&json!("error"), &json!("bad_data"))
    );
    assert!(
        answer["error"].as_str().unwrap().contains("parse error"),
        "{answer}"
    );

    // Whether there are exemplars is asked with milliseconds for seconds.
    let probe = with_query(
        "api/v1/query_exemplars",
        &[
            ("query", "test"),
            ("start", "1795348800000"),
            ("end", "1795350600000"),
        ],
    );
    let (status, answer) = grafana.ask(Method::POST, &probe, Some(&[])).await;
    assert_eq!(
        (status, &answer["data"]),
        (StatusCode::OK, &json!([])),
        "{answer}"
    );
    let exemplars = [&[("query", "orders_total")], &range[..]].concat();
    let (status, answer) = grafana.query("api/v1/query_exemplars", &exemplars).await;
    assert_eq!(
        (status, &answer["data"]),
        (StatusCode::OK, &json!([])),
        "{answer}"
    );
}

#[tokio::test]
async fn grafana_lists_rules_and_alerts() {
    let grafana = Grafana::connect().await;
    let source = "groups:\n- name: shop\n  interval: 1s\n  rules:\n  - record: shop:orders\n    expr: sum(orders_total)\n  \
                  - alert: NoOrders\n    expr: absent(nothing)\n    for: 1h\n    \
                  labels: {severity: warning}\n    annotations: {summary: none}\n";
    let admin = grafana.server.sign_in("ada").await;
    let body = json!({"source": source});
    let (status, refusal) = admin.send(Method::POST, "/api/v1/rule-groups", &body).await;
    assert_eq!(status, StatusCode::OK, "{refusal}");
    let group = eventually("the rules' first evaluation", async || {
        let rules = grafana.look_up("api/v1/rules", &[]).await;
        let groups = rules["groups"].as_array().unwrap();
        let group = groups.iter().find(|group| group["name"] == "shop")?.clone();
        let rule = &group["rules"][1];
        // The alert is there a moment before what is told of its rule.
        (rule["state"] == "pending" && rule["health"] == "ok").then_some(group)
    })
    .await;
    for field in ["file", "lastEvaluation"] {
        assert!(group[field].is_string(), "{field}: {group}");
    }
    assert!(
        group["interval"].is_number() && group["evaluationTime"].is_number(),
        "{group}"
    );
    let (recording, alerting) = (&group["rules"][0], &group["rules"][1]);
    assert_eq!(
        [
            &recording["type"],
            &recording["name"],
            &recording["query"],
            &recording["health"]
        ],
        ["recording", "shop:orders", "sum(orders_total)", "ok"]
    );
    assert_eq!(
        [
            &alerting["type"],
            &alerting["name"],
            &alerting["query"],
            &alerting["health"]
        ],
        ["alerting", "NoOrders", "absent(nothing)", "ok"]
    );
    assert_eq!(alerting["labels"], json!({"severity": "warning"}));
    assert_eq!(alerting["annotations"], json!({"summary": "none"}));
    assert_eq!(alerting["duration"], 3600.0);
    for alert in [
        &alerting["alerts"][0],
        &grafana.look_up("api/v1/alerts", &[]).await["alerts"][0],
    ] {
        assert_eq!(
            (&alert["state"], &alert["labels"]["alertname"]),
            (&json!("pending"), &json!("NoOrders"))
        );
        assert!(
            alert["activeAt"].is_string() && alert["value"].is_string(),
            "{alert}"
        );
        assert_eq!(alert["annotations"], json!({"summary": "none"}));
    }
}
