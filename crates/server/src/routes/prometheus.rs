//! The Prometheus HTTP API, so that Grafana and everything else that speaks it can read Yunhai.
//!
//! Answers have Prometheus's own envelope, errors included
//! (<https://prometheus.io/docs/prometheus/latest/querying/api/>).

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{FromRequest, Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{HeaderMap, StatusCode, header};
use serde::Serialize;
use serde_json::json;
use url::form_urlencoded;
use yunhai_identity::Permission;
use yunhai_model::{Labels, TimestampMs, with_causes};
use yunhai_promql::{Annotated, Matcher, metric_selectors, parse_step, parse_timestamp};
use yunhai_series::{MetricKind, MetricMetadata};

use crate::agents::Writer;
use crate::app::App;
use crate::caller::Caller;
use crate::queries::RangeQuery;
use crate::remote_write::{WriteRequest, decompress};
use crate::samples::SampleSource;

/// The largest remote write request, decompressed.
const MAX_WRITE_BYTES: usize = 64 << 20;

pub(crate) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/query", get(query).post(query))
        .route("/query_range", get(query_range).post(query_range))
        .route("/series", get(series).post(series))
        .route("/labels", get(labels).post(labels))
        .route("/label/{name}/values", get(label_values))
        .route("/metadata", get(metadata))
        .route("/query_exemplars", get(exemplars).post(exemplars))
        .route("/rules", get(rules))
        .route("/alerts", get(alerts))
        .route("/status/buildinfo", get(build_info))
        .route("/write", post(write))
}

/// An error in Prometheus's envelope.
struct PromError {
    status: StatusCode,
    kind: &'static str,
    message: String,
}

type PromResult<T = PromAnswer> = Result<T, PromError>;

impl PromError {
    fn bad_data(message: impl std::fmt::Display) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            kind: "bad_data",
            message: message.to_string(),
        }
    }

    fn bad_parameter(name: &str, message: impl std::fmt::Display) -> Self {
        Self::bad_data(format_args!("invalid parameter \"{name}\": {message}"))
    }

    fn execution(message: impl std::fmt::Display) -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            kind: "execution",
            message: message.to_string(),
        }
    }

    fn query(error: &yunhai_promql::Error) -> Self {
        let kind = error.api_type();
        Self {
            status: match kind {
                "bad_data" => StatusCode::BAD_REQUEST,
                "timeout" | "canceled" => StatusCode::SERVICE_UNAVAILABLE,
                "internal" => StatusCode::INTERNAL_SERVER_ERROR,
                _ => StatusCode::UNPROCESSABLE_ENTITY,
            },
            kind,
            message: error.to_string(),
        }
    }
}

impl IntoResponse for PromError {
    fn into_response(self) -> Response {
        let body = json!({"status": "error", "errorType": self.kind, "error": self.message});
        (self.status, axum::Json(body)).into_response()
    }
}

/// An answer in Prometheus's envelope, as JSON.
struct PromAnswer(Vec<u8>);

#[derive(Serialize)]
struct Envelope<'a, T> {
    status: &'static str,
    data: T,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    warnings: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    infos: &'a [String],
}

impl PromAnswer {
    fn new(data: impl Serialize) -> PromResult {
        Self::noted(data, &[], &[])
    }

    fn annotated(answer: &Annotated) -> PromResult {
        Self::noted(&answer.value, &answer.warnings, &answer.infos)
    }

    fn noted(data: impl Serialize, warnings: &[String], infos: &[String]) -> PromResult {
        let envelope = Envelope {
            status: "success",
            data,
            warnings,
            infos,
        };
        let body = serde_json::to_vec(&envelope).map_err(PromError::execution)?;
        Ok(Self(body))
    }
}

impl IntoResponse for PromAnswer {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, "application/json")], self.0).into_response()
    }
}

/// Parameters from the address and from a form, in which names may repeat.
struct Params(Vec<(String, String)>);

impl<S: Send + Sync> FromRequest<S> for Params {
    type Rejection = PromError;

    async fn from_request(request: Request, state: &S) -> Result<Self, PromError> {
        let decode = |bytes: &[u8]| {
            form_urlencoded::parse(bytes)
                .into_owned()
                .collect::<Vec<_>>()
        };
        let mut params = decode(request.uri().query().unwrap_or_default().as_bytes());
        let is_form = request
            .headers()
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| {
                kind.as_bytes()
                    .starts_with(b"application/x-www-form-urlencoded")
            });
        if is_form {
            let body = Bytes::from_request(request, state)
                .await
                .map_err(PromError::bad_data)?;
            params.extend(decode(&body));
        }
        Ok(Self(params))
    }
}

impl Params {
    fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(candidate, _)| candidate == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    fn required(&self, name: &str) -> PromResult<&str> {
        self.get(name)
            .ok_or_else(|| PromError::bad_parameter(name, "it is missing"))
    }

    fn all(&self, name: &str) -> Vec<&str> {
        self.0
            .iter()
            .filter(|(candidate, _)| candidate == name)
            .map(|(_, value)| value.as_str())
            .collect()
    }

    fn time(&self, name: &str) -> PromResult<Option<TimestampMs>> {
        self.get(name)
            .map(|text| {
                parse_timestamp(text).map_err(|error| PromError::bad_parameter(name, error))
            })
            .transpose()
    }

    fn limit(&self) -> PromResult<usize> {
        match self.get("limit") {
            None | Some("0") => Ok(usize::MAX),
            Some(text) => text
                .parse()
                .map_err(|error| PromError::bad_parameter("limit", error)),
        }
    }

    /// Returns the selectors of `match[]` and the time that `start` and `end` give.
    fn selection(&self, now_ms: TimestampMs) -> PromResult<Selection> {
        let selectors = self
            .0
            .iter()
            .filter(|(name, _)| name == "match[]")
            .map(|(_, text)| {
                let wrong =
                    |error: &dyn std::fmt::Display| PromError::bad_parameter("match[]", error);
                let expr = yunhai_promql::parse(text).map_err(|error| wrong(&error))?;
                let mut selectors = metric_selectors(&expr);
                match (selectors.pop(), selectors.is_empty()) {
                    (Some(selector), true) => Ok(selector.matchers),
                    _ => Err(wrong(&"it must be one series selector")),
                }
            })
            .collect::<Result<_, _>>()?;
        let end_ms = self.time("end")?.unwrap_or(now_ms);
        let start_ms = self.time("start")?.unwrap_or(end_ms - 12 * 3_600_000);
        if start_ms > end_ms {
            return Err(PromError::bad_parameter("end", "it lies before \"start\""));
        }
        Ok(Selection {
            selectors,
            start_ms,
            end_ms,
            limit: self.limit()?,
        })
    }
}

struct Selection {
    selectors: Vec<Vec<Matcher>>,
    start_ms: TimestampMs,
    end_ms: TimestampMs,
    limit: usize,
}

fn may_read(caller: &Caller) -> PromResult<()> {
    caller
        .require(Permission::ServersRead)
        .map_err(|error| PromError {
            status: StatusCode::FORBIDDEN,
            kind: "forbidden",
            message: error.0.detail,
        })
}

async fn query(State(app): State<Arc<App>>, caller: Caller, params: Params) -> PromResult {
    may_read(&caller)?;
    let time_ms = params.time("time")?.unwrap_or_else(|| app.clock.now_ms());
    let expr = yunhai_promql::parse(params.required("query")?)
        .map_err(|error| PromError::bad_parameter("query", error))?;
    let answer = app
        .engine
        .instant_annotated(&app.store, &expr, time_ms)
        .await
        .map_err(|error| PromError::query(&error))?;
    PromAnswer::annotated(&answer)
}

async fn query_range(State(app): State<Arc<App>>, caller: Caller, params: Params) -> PromResult {
    may_read(&caller)?;
    let required_time = |name| -> PromResult<TimestampMs> {
        params.required(name)?;
        Ok(params.time(name)?.unwrap_or_default())
    };
    let (start_ms, end_ms) = (required_time("start")?, required_time("end")?);
    let step_ms = parse_step(params.required("step")?)
        .map_err(|error| PromError::bad_parameter("step", error))?;
    if end_ms < start_ms {
        return Err(PromError::bad_parameter("end", "it lies before \"start\""));
    }
    let text = params.required("query")?;
    let expr =
        yunhai_promql::parse(text).map_err(|error| PromError::bad_parameter("query", error))?;
    let query = RangeQuery {
        text: text.to_owned(),
        start_ms,
        end_ms,
        step_ms,
    };
    let answer = app
        .queries
        .range(query, expr)
        .await
        .map_err(|error| PromError::query(&error))?;
    PromAnswer::annotated(&answer)
}

async fn series(State(app): State<Arc<App>>, caller: Caller, params: Params) -> PromResult {
    may_read(&caller)?;
    let selection = params.selection(app.clock.now_ms())?;
    if selection.selectors.is_empty() {
        return Err(PromError::bad_parameter(
            "match[]",
            "at least one is needed",
        ));
    }
    let mut found: Vec<Labels> = Vec::new();
    for matchers in &selection.selectors {
        found.extend(
            app.store
                .series(matchers, selection.start_ms, selection.end_ms)
                .map_err(PromError::execution)?,
        );
    }
    found.sort();
    found.dedup();
    found.truncate(selection.limit);
    PromAnswer::new(found)
}

async fn labels(State(app): State<Arc<App>>, caller: Caller, params: Params) -> PromResult {
    may_read(&caller)?;
    let selection = params.selection(app.clock.now_ms())?;
    let mut names = Vec::new();
    for matchers in selection.selectors_or_all() {
        names.extend(
            app.store
                .label_names(matchers, selection.start_ms, selection.end_ms)
                .map_err(PromError::execution)?,
        );
    }
    PromAnswer::new(sorted(names, selection.limit))
}

async fn label_values(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
    params: Params,
) -> PromResult {
    may_read(&caller)?;
    if !yunhai_model::is_valid_label_name(&name) {
        return Err(PromError::bad_data(format_args!(
            "invalid label name: \"{name}\""
        )));
    }
    let selection = params.selection(app.clock.now_ms())?;
    let mut values = Vec::new();
    for matchers in selection.selectors_or_all() {
        values.extend(
            app.store
                .label_values(&name, matchers, selection.start_ms, selection.end_ms)
                .map_err(PromError::execution)?,
        );
    }
    PromAnswer::new(sorted(values, selection.limit))
}

impl Selection {
    fn selectors_or_all(&self) -> impl Iterator<Item = &[Matcher]> {
        let all = self.selectors.is_empty().then_some(&[][..]);
        self.selectors.iter().map(Vec::as_slice).chain(all)
    }
}

fn sorted(mut texts: Vec<String>, limit: usize) -> Vec<String> {
    texts.sort_unstable();
    texts.dedup();
    texts.truncate(limit);
    texts
}

async fn metadata(State(app): State<Arc<App>>, caller: Caller, params: Params) -> PromResult {
    may_read(&caller)?;
    let wanted = params.get("metric");
    let limit = params.limit()?;
    let data: serde_json::Map<String, serde_json::Value> = app
        .store
        .metadata()
        .into_iter()
        .filter(|(name, _)| wanted.is_none_or(|wanted| wanted == name))
        .take(limit)
        .map(|(name, entry)| {
            let entry = json!([{"type": entry.kind, "help": entry.help, "unit": entry.unit}]);
            (name, entry)
        })
        .collect();
    PromAnswer::new(data)
}

/// Exemplars are not stored: a query for them is checked, and finds none.
async fn exemplars(caller: Caller, params: Params) -> PromResult {
    may_read(&caller)?;
    yunhai_promql::parse(params.required("query")?)
        .map_err(|error| PromError::bad_parameter("query", error))?;
    PromAnswer::new(json!([]))
}

/// Rules, all or of one `type` (`alert`, `record`), and of the names that are asked for.
async fn rules(State(app): State<Arc<App>>, caller: Caller, params: Params) -> PromResult {
    may_read(&caller)?;
    let kind = match params.get("type") {
        None => None,
        Some("alert") => Some("alerting"),
        Some("record") => Some("recording"),
        Some(other) => {
            let message = format_args!("`{other}` is neither alert nor record");
            return Err(PromError::bad_parameter("type", message));
        }
    };
    let (files, groups) = (params.all("file[]"), params.all("rule_group[]"));
    let names = params.all("rule_name[]");
    let is_asked = |asked: &[&str], value: &serde_json::Value| {
        asked.is_empty() || value.as_str().is_some_and(|value| asked.contains(&value))
    };
    let mut answer = super::rules::prometheus_rules(&app)
        .await
        .map_err(|error| PromError::execution(error.0.detail))?;
    if let Some(found) = answer["groups"].as_array_mut() {
        found.retain(|group| is_asked(&files, &group["file"]) && is_asked(&groups, &group["name"]));
        for group in found.iter_mut() {
            if let Some(rules) = group["rules"].as_array_mut() {
                rules.retain(|rule| {
                    is_asked(&names, &rule["name"]) && kind.is_none_or(|kind| rule["type"] == kind)
                });
            }
        }
        if kind.is_some() || !names.is_empty() {
            found.retain(|group| {
                group["rules"]
                    .as_array()
                    .is_some_and(|rules| !rules.is_empty())
            });
        }
    }
    PromAnswer::new(answer)
}

async fn alerts(State(app): State<Arc<App>>, caller: Caller) -> PromResult {
    may_read(&caller)?;
    let alerts = super::alerts::prometheus_alerts(&app).await;
    PromAnswer::new(alerts.map_err(|error| PromError::execution(error.0.detail))?)
}

async fn build_info(caller: Caller) -> PromResult {
    may_read(&caller)?;
    // Grafana asks for the version to know what it may use: it is the one whose API this is.
    PromAnswer::new(json!({
        "version": "2.42.0",
        "application": "yunhai",
        "yunhaiVersion": env!("CARGO_PKG_VERSION"),
    }))
}

/// Takes samples by remote write 1.0.
async fn write(
    State(app): State<Arc<App>>,
    writer: Writer,
    headers: HeaderMap,
    body: Bytes,
) -> PromResult<StatusCode> {
    let agent = match writer {
        Writer::Agent(agent) => Some(agent),
        Writer::Caller(caller) => {
            caller
                .require(Permission::MetricsWrite)
                .map_err(|error| PromError {
                    status: StatusCode::FORBIDDEN,
                    kind: "forbidden",
                    message: error.0.detail,
                })?;
            None
        }
    };
    let encoding = headers.get(header::CONTENT_ENCODING);
    if encoding.is_some_and(|encoding| encoding != "snappy") {
        return Err(PromError {
            status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
            kind: "bad_data",
            message: "remote write bodies are compressed with snappy".to_owned(),
        });
    }
    let bytes = decompress(&body, MAX_WRITE_BYTES).map_err(PromError::bad_data)?;
    let request = WriteRequest::decode(&bytes).map_err(PromError::bad_data)?;
    let metadata = request.metadata.iter().map(|metadata| {
        let told = MetricMetadata {
            kind: metric_kind(metadata.kind),
            help: metadata.help.to_owned(),
            unit: metadata.unit.to_owned(),
        };
        (metadata.metric.to_owned(), told)
    });
    app.store.record_metadata(metadata).map_err(unavailable)?;
    let mut series = request.series();
    let foreign = agent
        .as_ref()
        .map_or(0, |agent| agent.keep_own(&mut series));
    app.arrivals.note_borrowed(&series, app.clock.now_ms());
    let outcome = app
        .store
        .append_borrowed(&series)
        .await
        .map_err(unavailable)?;
    let sender = sender_of(&headers);
    sender.count(&outcome);
    sender.count_refused(foreign);
    let mut shown: Vec<String> = outcome
        .rejected
        .iter()
        .take(5)
        .map(ToString::to_string)
        .collect();
    if let Some(agent) = agent {
        if foreign > 0 {
            let server = agent.server();
            shown.push(format!(
                "this agent's key writes measurements of the server `{server}` only"
            ));
        }
        agent.note(&app.enrolment).await;
    }
    if shown.is_empty() {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(PromError::bad_data(format_args!(
        "{} sample(s) stored, {} refused: {}",
        outcome.accepted,
        outcome.rejected_samples() + foreign,
        shown.join("; ")
    )))
}

/// Tells by the name that it gives itself who sends by remote write.
fn sender_of(headers: &HeaderMap) -> SampleSource {
    let is_agent = headers
        .get(header::USER_AGENT)
        .is_some_and(|name| name.as_bytes().starts_with(b"yunhai-agent/"));
    if is_agent {
        SampleSource::Agent
    } else {
        SampleSource::RemoteWrite
    }
}

/// The sender keeps the samples and tries again.
#[allow(clippy::needless_pass_by_value)]
fn unavailable(error: yunhai_series::Error) -> PromError {
    PromError {
        status: StatusCode::SERVICE_UNAVAILABLE,
        kind: "unavailable",
        message: with_causes(&error),
    }
}

fn metric_kind(kind: u64) -> MetricKind {
    match kind {
        1 => MetricKind::Counter,
        2 => MetricKind::Gauge,
        3 => MetricKind::Histogram,
        4 => MetricKind::GaugeHistogram,
        5 => MetricKind::Summary,
        6 => MetricKind::Info,
        7 => MetricKind::StateSet,
        _ => MetricKind::default(),
    }
}
