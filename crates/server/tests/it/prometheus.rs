use std::sync::atomic::{AtomicI64, Ordering};

use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, ExponentialHistogram, ExponentialHistogramDataPoint, Histogram,
    HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum,
    number_data_point,
};
use prost::Message as _;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use yunhai_identity::Role;
use yunhai_model::{Clock, SystemClock};
use yunhai_test_support::remote_write::body;

use crate::harness::{Browser, TestServer, answer, eventually};

async fn write(admin: &Browser<'_>, body: Vec<u8>) -> (StatusCode, Value) {
    let request = admin
        .request(Method::POST, "/prometheus/api/v1/write")
        .header("content-encoding", "snappy")
        .header("content-type", "application/x-protobuf");
    answer(request.body(body)).await
}

fn now_ms() -> i64 {
    SystemClock.now_ms()
}

#[tokio::test]
async fn what_is_written_is_read_back() {
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let now_ms = now_ms();
    let labels: &[(&str, &[u8])] = &[("__name__", b"room_celsius"), ("room", "厨房".as_bytes())];
    let samples = [(now_ms - 60_000, 20.5), (now_ms, 21.0)];
    let (status, answer_body) = write(&admin, body(labels, &samples)).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{answer_body}");
    // Again: duplicates do no harm.
    assert_eq!(
        write(&admin, body(labels, &samples)).await.0,
        StatusCode::NO_CONTENT
    );

    let answer_body = admin
        .get("/prometheus/api/v1/query?query=max_over_time(room_celsius[5m])")
        .await;
    let result = &answer_body["data"]["result"][0];
    assert_eq!(result["metric"], json!({"room": "厨房"}));
    assert_eq!(result["value"][1], "21");
    let values = admin.get("/prometheus/api/v1/label/room/values").await;
    assert_eq!(values["data"], json!(["厨房"]));
    let series = admin
        .get("/prometheus/api/v1/series?match[]=room_celsius")
        .await;
    assert_eq!(series["data"][0]["room"], "厨房");
    let range = admin
        .get(&format!(
            "/prometheus/api/v1/query_range?query=room_celsius&start={}&end={}&step=30s",
            now_ms / 1000 - 60,
            now_ms / 1000 + 1,
        ))
        .await;
    assert_eq!(range["data"]["resultType"], "matrix");
}

#[tokio::test]
async fn bad_writes_are_refused_with_the_reason() {
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let now_ms = now_ms();
    let name: (&str, &[u8]) = ("__name__", b"m");
    for (body, part) in [
        (b"not snappy at all".to_vec(), "snappy"),
        (body(&[("__name__", b"\xff")], &[(now_ms, 1.0)]), "UTF-8"),
        (body(&[name], &[(now_ms + 86_400_000, 1.0)]), "future"),
        (body(&[name, ("0x", b"y")], &[(now_ms, 1.0)]), "label name"),
        (body(&[], &[(now_ms, 1.0)]), "label"),
    ] {
        let (status, answer) = write(&admin, body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{part}: {answer}");
        let error = answer["error"].as_str().unwrap();
        assert!(error.contains(part), "{part}: {error}");
    }
}

#[tokio::test]
async fn a_malformed_query_says_where() {
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    for (path, part) in [
        ("query?query=sum(up", "1:7"),
        ("query", "missing"),
        ("query?query=up&time=soon", "\"time\""),
        ("query_range?query=up&start=2&end=1&step=1", "\"end\""),
        ("query_range?query=up&start=1&end=2&step=0", "step"),
        ("query_range?query=up&start=0&end=99999999&step=1", "11000"),
        ("series", "match[]"),
        ("series?match[]=sum(up)%2Bup", "selector"),
        ("label/a-b/values", "label name"),
    ] {
        let request = admin.request(Method::GET, &format!("/prometheus/api/v1/{path}"));
        let (status, answer) = answer(request).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path}: {answer}");
        assert_eq!(answer["errorType"], "bad_data", "{path}");
        let error = answer["error"].as_str().unwrap().replace(',', "");
        assert!(error.contains(part), "{path}: {error}");
    }
}

#[tokio::test]
async fn otlp_metrics_arrive_under_prometheus_names() {
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let nanos = AtomicI64::new(now_ms() * 1_000_000).load(Ordering::Relaxed);
    let request = json!({"resourceMetrics": [{
        "resource": {"attributes": [{"key": "host.name", "value": {"stringValue": "otel-1"}}]},
        "scopeMetrics": [{"metrics": [
            {"name": "jobs.done", "sum": {"aggregationTemporality": 2, "isMonotonic": true,
                "dataPoints": [{"asInt": "7", "timeUnixNano": nanos.to_string()}]}},
            {"name": "deltas", "sum": {"aggregationTemporality": 1, "isMonotonic": true,
                "dataPoints": [{"asInt": "7", "timeUnixNano": nanos.to_string()}]}},
        ]}],
    }]});
    let (status, answer) = admin.send(Method::POST, "/otlp/v1/metrics", &request).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert!(
        answer["partialSuccess"]["errorMessage"]
            .as_str()
            .unwrap()
            .contains("deltas")
    );
    let found = admin
        .get("/prometheus/api/v1/query?query=jobs_done_total")
        .await;
    assert_eq!(found["data"]["result"][0]["metric"]["server"], "otel-1");
    assert_eq!(found["data"]["result"][0]["value"][1], "7");
}

#[tokio::test]
async fn otlp_deltas_are_refused_in_part_with_what_to_do() {
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let time_unix_nano = now_ms().cast_unsigned() * 1_000_000;
    let number = |value| NumberDataPoint {
        time_unix_nano,
        value: Some(number_data_point::Value::AsInt(value)),
        ..NumberDataPoint::default()
    };
    let sum = |temporality: AggregationTemporality, points: &[i64]| {
        Data::Sum(Sum {
            data_points: points.iter().map(|value| number(*value)).collect(),
            aggregation_temporality: temporality.into(),
            is_monotonic: true,
        })
    };
    let histogram = Data::Histogram(Histogram {
        data_points: vec![HistogramDataPoint::default()],
        aggregation_temporality: AggregationTemporality::Delta.into(),
    });
    let exponential = Data::ExponentialHistogram(ExponentialHistogram {
        data_points: vec![ExponentialHistogramDataPoint::default()],
        aggregation_temporality: AggregationTemporality::Cumulative.into(),
    });
    let metrics = [
        ("orders", sum(AggregationTemporality::Delta, &[1, 2, 3])),
        ("latency", histogram),
        ("sizes", exponential),
        ("visits", sum(AggregationTemporality::Cumulative, &[7])),
    ];
    let metrics = metrics.map(|(name, data)| Metric {
        name: name.to_owned(),
        data: Some(data),
        ..Metric::default()
    });
    let request = ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            scope_metrics: vec![ScopeMetrics {
                metrics: metrics.into(),
                ..ScopeMetrics::default()
            }],
            ..ResourceMetrics::default()
        }],
    };
    let response = admin
        .request(Method::POST, "/otlp/v1/metrics")
        .header("content-type", "application/x-protobuf")
        .body(request.encode_to_vec())
        .send()
        .await
        .unwrap();
    // A part was stored, so it is no error that a sender would try again after.
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "application/x-protobuf");
    let bytes = response.bytes().await.unwrap();
    let answer = ExportMetricsServiceResponse::decode(bytes).unwrap();
    let refused = answer.partial_success.unwrap();
    assert_eq!(refused.rejected_data_points, 5);
    let told = refused.error_message;
    for part in [
        "orders_total, latency: the temporality is not cumulative",
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=cumulative",
        "deltatocumulative",
        "sizes: exponential histograms are not stored",
        "explicit_bucket_histogram",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let found = async |metric: &str| {
        let path = format!("/prometheus/api/v1/query?query={metric}");
        admin.get(&path).await["data"]["result"][0]["value"][1].clone()
    };
    assert_eq!(found("visits_total").await, "7");
    assert_eq!(found("orders_total").await, Value::Null);
}

#[tokio::test]
async fn this_machine_shows_itself() {
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let machine = eventually("the machine's CPU in the list of servers", async || {
        let servers = admin.get("/api/v1/servers").await;
        let machine = servers["items"][0].clone();
        machine["cpu_ratio"].is_number().then_some(machine)
    })
    .await;
    assert_eq!(machine["name"], "test-host");
    assert_eq!(machine["state"], "up");
    let detail = admin.get("/api/v1/servers/test-host").await;
    let metrics = detail["metrics"].as_array().unwrap();
    let cpu = metrics
        .iter()
        .find(|metric| metric["name"] == "server_cpu_utilization_ratio")
        .unwrap();
    assert_eq!(
        (&cpu["kind"], &cpu["unit"]),
        (&json!("gauge"), &json!("ratio"))
    );
}

#[tokio::test]
async fn otlp_bodies_may_be_compressed() {
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let request = json!({"resourceMetrics": [{
        "resource": {"attributes": [{"key": "host.name", "value": {"stringValue": "otel-1"}}]},
        "scopeMetrics": [{"metrics": [{"name": "queue.length", "gauge": {"dataPoints": [
            {"asInt": "3", "timeUnixNano": (now_ms() * 1_000_000).to_string()}]}}]}],
    }]});
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, request.to_string().as_bytes()).unwrap();
    let post = |encoding: &'static str, body: Vec<u8>| {
        let request = admin
            .request(Method::POST, "/otlp/v1/metrics")
            .header("content-type", "application/json")
            .header("content-encoding", encoding);
        answer(request.body(body))
    };
    let (status, refusal) = post("gzip", encoder.finish().unwrap()).await;
    assert_eq!(status, StatusCode::OK, "{refusal}");
    let found = admin
        .get("/prometheus/api/v1/query?query=queue_length")
        .await;
    assert_eq!(found["data"]["result"][0]["value"][1], "3");

    let (status, refusal) = post("made-up", b"{}".to_vec()).await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(refusal["code"], "unsupported_media_type");
}

#[tokio::test]
async fn rules_are_found_by_kind_and_name() {
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let source = "groups:\n- name: mixed\n  rules:\n  - record: a:b\n    expr: vector(1)\n  \
                  - alert: High\n    expr: vector(1) > 2\n";
    let (status, _) = admin
        .send(
            Method::POST,
            "/api/v1/rule-groups",
            &json!({"source": source}),
        )
        .await;
    assert_eq!(status, StatusCode::OK);
    let names = async |query: &str| -> Vec<String> {
        let answer = admin
            .get(&format!("/prometheus/api/v1/rules?{query}"))
            .await;
        let groups = answer["data"]["groups"].as_array().unwrap();
        groups
            .iter()
            .flat_map(|group| group["rules"].as_array().unwrap())
            .map(|rule| rule["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names("type=record").await, ["a:b"]);
    assert_eq!(names("rule_name[]=High").await, ["High"]);
    assert_eq!(names("rule_group[]=mixed").await, ["a:b", "High"]);
    let (status, refusal) =
        answer(admin.request(Method::GET, "/prometheus/api/v1/rules?type=x")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{refusal}");
    let exemplars = admin
        .get("/prometheus/api/v1/query_exemplars?query=up")
        .await;
    assert_eq!(exemplars["data"], json!([]));
}
