//! Fetches what an expression reads, then evaluates it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::try_join_all;
use yunhai_model::{Labels, Sample, TimeSeries, TimestampMs, is_stale};

use crate::ast::{Node, Selector, ValueType};
use crate::eval::{Evaluator, Grid, Notes, Series, Value};
use crate::limits::Limits;
use crate::parse::{Expr, ParseError, parse};
use crate::queryable::{Matcher, Queryable, SelectError, SelectHints};
use crate::value::{Annotated, InstantSample, QueryValue};

/// How an engine evaluates and what it refuses.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// How old the latest sample of a series may be to count as its value; 5 minutes.
    pub lookback_ms: i64,
    /// The step of sub-queries that name none (`[1h:]`); 1 minute.
    pub default_subquery_step_ms: i64,
    /// The most samples that a query may load, and that any part of it may yield; 25 million,
    /// which is 400 MB.
    pub max_samples: usize,
    /// The most steps of a range query; 11,000 as in Prometheus.
    pub max_steps: usize,
    /// How long a query may take; 2 minutes.
    pub timeout: Duration,
    /// Whose rules hold where the major versions of Prometheus differ.
    pub semantics: Semantics,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            lookback_ms: 300_000,
            default_subquery_step_ms: 60_000,
            max_samples: 25_000_000,
            max_steps: 11_000,
            timeout: Duration::from_mins(2),
            semantics: Semantics::Prometheus2,
        }
    }
}

/// Where the major versions of Prometheus differ, whose rules hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Semantics {
    /// Prometheus 2.42: a range and the look-back include a sample exactly at their beginning.
    #[default]
    Prometheus2,
    /// Prometheus 3: they exclude it; `sum` is compensated, `atan2` drops the name, buckets of
    /// histograms may jitter.
    Prometheus3,
}

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The expression is malformed.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// The request makes no sense: an end before the start, a step of nothing, a range query of a
    /// range vector.
    #[error("{0}")]
    BadRequest(String),
    /// The expression cannot be evaluated on these series, such as an ambiguous join.
    #[error("{0}")]
    Evaluation(String),
    /// The query needs more samples than allowed.
    #[error(
        "the query needs more than {0} samples; narrow its selectors, shorten the range or widen the step"
    )]
    TooManySamples(usize),
    /// The query took too long.
    #[error("the query timed out after {} s", .0.as_secs_f64())]
    Timeout(Duration),
    /// Nobody waits for the answer any more.
    #[error("the query was cancelled")]
    Cancelled,
    /// The store could not answer.
    #[error("reading series failed")]
    Select(#[from] SelectError),
}

impl Error {
    /// The error's type in the Prometheus HTTP API.
    pub fn api_type(&self) -> &'static str {
        match self {
            Self::Parse(_) | Self::BadRequest(_) => "bad_data",
            Self::Evaluation(_) | Self::TooManySamples(_) => "execution",
            Self::Timeout(_) => "timeout",
            Self::Cancelled => "canceled",
            Self::Select(_) => "internal",
        }
    }
}

/// Something that is an expression, or becomes one.
pub trait IntoExpr: Send {
    /// Returns the expression, parsing it where it is text.
    fn into_expr(self) -> Result<Expr, ParseError>;
}

impl IntoExpr for &str {
    fn into_expr(self) -> Result<Expr, ParseError> {
        parse(self)
    }
}

impl IntoExpr for &String {
    fn into_expr(self) -> Result<Expr, ParseError> {
        parse(self)
    }
}

impl IntoExpr for &Expr {
    fn into_expr(self) -> Result<Expr, ParseError> {
        Ok(self.clone())
    }
}

/// Evaluates expressions; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Engine {
    options: Arc<EngineOptions>,
}

impl Engine {
    /// Creates an engine.
    pub fn new(options: EngineOptions) -> Self {
        Self {
            options: Arc::new(options),
        }
    }

    /// How the engine evaluates.
    pub fn options(&self) -> &EngineOptions {
        &self.options
    }

    /// Evaluates an expression at one moment.
    pub async fn instant(
        &self,
        source: &dyn Queryable,
        expr: impl IntoExpr,
        time_ms: TimestampMs,
    ) -> Result<QueryValue, Error> {
        Ok(self.instant_annotated(source, expr, time_ms).await?.value)
    }

    /// Evaluates an expression at every step from `start_ms` to `end_ms`, both included.
    pub async fn range(
        &self,
        source: &dyn Queryable,
        expr: impl IntoExpr,
        start_ms: TimestampMs,
        end_ms: TimestampMs,
        step_ms: i64,
    ) -> Result<QueryValue, Error> {
        let annotated = self
            .range_annotated(source, expr, start_ms, end_ms, step_ms)
            .await?;
        Ok(annotated.value)
    }

    /// Evaluates at one moment, with remarks.
    pub async fn instant_annotated(
        &self,
        source: &dyn Queryable,
        expr: impl IntoExpr,
        time_ms: TimestampMs,
    ) -> Result<Annotated, Error> {
        let expr = expr.into_expr()?;
        check_time(time_ms)?;
        self.run(source, expr, Grid::instant(time_ms), time_ms, true)
            .await
    }

    /// Evaluates over a range, with remarks.
    pub async fn range_annotated(
        &self,
        source: &dyn Queryable,
        expr: impl IntoExpr,
        start_ms: TimestampMs,
        end_ms: TimestampMs,
        step_ms: i64,
    ) -> Result<Annotated, Error> {
        let expr = expr.into_expr()?;
        check_time(start_ms)?;
        check_time(end_ms)?;
        if step_ms <= 0 {
            return Err(Error::BadRequest(
                "zero or negative query resolution step widths are not accepted; try a positive integer".into(),
            ));
        }
        if end_ms < start_ms {
            return Err(Error::BadRequest(
                "end timestamp must not be before start time".into(),
            ));
        }
        let grid = Grid::new(start_ms, end_ms, step_ms);
        if grid.steps > self.options.max_steps {
            return Err(Error::BadRequest(format!(
                "exceeded maximum resolution of {} points per timeseries; try decreasing the query resolution (?step=XX)",
                self.options.max_steps
            )));
        }
        if !matches!(expr.value_type(), ValueType::Scalar | ValueType::Vector) {
            return Err(Error::BadRequest(format!(
                "invalid expression type \"{}\" for range query, must be Scalar or instant Vector",
                expr.value_type()
            )));
        }
        self.run(source, expr, grid, end_ms, false).await
    }

    async fn run(
        &self,
        source: &dyn Queryable,
        expr: Expr,
        grid: Grid,
        end_ms: TimestampMs,
        is_instant: bool,
    ) -> Result<Annotated, Error> {
        let limits = Limits::new(self.options.timeout, self.options.max_samples);
        let _cancel = limits.cancel_on_drop();
        let fetch = self.fetch(source, &expr, grid, end_ms, is_instant, &limits);
        let selected = tokio::time::timeout(limits.remaining(), fetch)
            .await
            .map_err(|_| limits.timed_out())??;
        let options = self.options.clone();
        // Evaluation only computes: it belongs on a thread that nobody else waits for.
        let evaluation = tokio::task::spawn_blocking(move || {
            let evaluator = Evaluator {
                options: &options,
                selected: &selected,
                query_start_ms: grid.start_ms,
                query_end_ms: end_ms,
                query_step_ms: if is_instant { 0 } else { grid.step_ms },
                limits: &limits,
                notes: Notes::default().into(),
            };
            let value = evaluate(&evaluator, expr.root(), grid, is_instant)?;
            let notes = evaluator.notes.into_inner();
            Ok(Annotated {
                value,
                warnings: notes.warnings,
                infos: notes.infos,
            })
        });
        match evaluation.await {
            Ok(result) => result,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Err(Error::Cancelled),
        }
    }

    /// Selects the series of every selector, the same ones only once.
    async fn fetch(
        &self,
        source: &dyn Queryable,
        expr: &Expr,
        grid: Grid,
        end_ms: TimestampMs,
        is_instant: bool,
        limits: &Limits,
    ) -> Result<Vec<Arc<Vec<TimeSeries>>>, Error> {
        let evaluator = Evaluator {
            options: &self.options,
            selected: &[],
            query_start_ms: grid.start_ms,
            query_end_ms: end_ms,
            query_step_ms: if is_instant { 0 } else { grid.step_ms },
            limits,
            notes: Notes::default().into(),
        };
        let mut wanted = Vec::new();
        collect(
            &evaluator,
            expr.root(),
            grid,
            if is_instant { 0 } else { grid.step_ms },
            None,
            &mut wanted,
        );
        drop(evaluator);
        let mut selections: Vec<Selection> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut place_of = vec![0; expr.selector_count()];
        for (id, selection) in wanted {
            place_of[id] = *places.entry(selection.key()).or_insert_with(|| {
                selections.push(selection);
                selections.len() - 1
            });
        }
        let fetched = try_join_all(selections.iter().map(|selection| {
            source.select(
                &selection.matchers,
                selection.start_ms,
                selection.end_ms,
                &selection.hints,
            )
        }))
        .await?;
        let total = fetched.iter().flatten().map(|series| series.samples.len());
        limits.check_samples(total.sum())?;
        let fetched: Vec<Arc<Vec<TimeSeries>>> = fetched
            .into_iter()
            .map(|mut series| {
                series.sort_by(|a, b| a.labels.cmp(&b.labels));
                Arc::new(series)
            })
            .collect();
        Ok(place_of
            .into_iter()
            .map(|place| fetched[place].clone())
            .collect())
    }
}

/// Room for ranges and offsets around any moment that is let in.
fn check_time(time_ms: TimestampMs) -> Result<(), Error> {
    if time_ms.unsigned_abs() > (i64::MAX / 4).unsigned_abs() {
        return Err(Error::BadRequest(format!(
            "the time {time_ms} ms is out of range"
        )));
    }
    Ok(())
}

/// What is to be read for one selector.
struct Selection {
    matchers: Vec<Matcher>,
    start_ms: TimestampMs,
    end_ms: TimestampMs,
    hints: SelectHints,
}

impl Selection {
    fn key(&self) -> String {
        let matchers: Vec<_> = self
            .matchers
            .iter()
            .map(|matcher| (matcher.name(), matcher.op(), matcher.value()))
            .collect();
        format!(
            "{matchers:?} {} {} {:?}",
            self.start_ms, self.end_ms, self.hints
        )
    }
}

/// Notes for each selector the time that it can look at, given the steps around it.
fn collect(
    evaluator: &Evaluator<'_>,
    node: &Node,
    grid: Grid,
    step_ms: i64,
    function: Option<&str>,
    wanted: &mut Vec<(usize, Selection)>,
) {
    let mut add = |selector: &Selector, back_ms: i64, range_ms: i64| {
        let (first_ms, last_ms) = match evaluator.pinned(selector.at) {
            Some(pinned) => (pinned, pinned),
            None => (grid.start_ms, grid.end_ms()),
        };
        wanted.push((
            selector.id,
            Selection {
                matchers: selector.matchers.clone(),
                start_ms: first_ms
                    .saturating_sub(selector.offset_ms)
                    .saturating_sub(back_ms),
                end_ms: last_ms.saturating_sub(selector.offset_ms),
                hints: SelectHints {
                    step_ms,
                    range_ms,
                    function: function.map(str::to_owned),
                },
            },
        ));
    };
    match node {
        Node::Number(_) | Node::Text(_) => {}
        Node::Selector(selector) => add(selector, evaluator.options.lookback_ms, 0),
        Node::Range { selector, range_ms } => add(selector, *range_ms, *range_ms),
        Node::Subquery(subquery) => {
            let inner = evaluator.subquery_grid(subquery, grid);
            collect(
                evaluator,
                &subquery.expr,
                inner,
                inner.step_ms,
                None,
                wanted,
            );
        }
        Node::Call(call) => {
            for arg in &call.args {
                collect(evaluator, arg, grid, step_ms, Some(call.function), wanted);
            }
        }
        Node::Aggregate(aggregate) => {
            if let Some(param) = &aggregate.param {
                collect(evaluator, param, grid, step_ms, None, wanted);
            }
            collect(evaluator, &aggregate.expr, grid, step_ms, None, wanted);
        }
        Node::Binary(binary) => {
            collect(evaluator, &binary.lhs, grid, step_ms, None, wanted);
            collect(evaluator, &binary.rhs, grid, step_ms, None, wanted);
        }
        Node::Negate(inner) | Node::Invariant(inner) => {
            collect(evaluator, inner, grid, step_ms, function, wanted);
        }
    }
}

fn evaluate(
    evaluator: &Evaluator<'_>,
    root: &Node,
    grid: Grid,
    is_instant: bool,
) -> Result<QueryValue, Error> {
    match (root.value_type(), is_instant) {
        (ValueType::String, _) => Ok(QueryValue::String {
            timestamp_ms: grid.start_ms,
            value: text_of(root),
        }),
        (ValueType::Matrix, _) => {
            let mut series: Vec<TimeSeries> = evaluator
                .range_samples(root, grid)?
                .into_iter()
                .map(|(labels, samples)| TimeSeries { labels, samples })
                .collect();
            series.sort_by(|a, b| a.labels.cmp(&b.labels));
            Ok(QueryValue::Matrix(series))
        }
        (_, true) => Ok(match evaluator.eval(root, grid)? {
            Value::Scalar(values) => QueryValue::Scalar(Sample {
                timestamp_ms: grid.start_ms,
                value: values[0],
            }),
            Value::Vector(series) => QueryValue::Vector(
                series
                    .into_iter()
                    .filter(|series| !is_stale(series.values[0]))
                    .map(|series| InstantSample {
                        labels: series.labels,
                        timestamp_ms: grid.start_ms,
                        value: series.values[0],
                    })
                    .collect(),
            ),
        }),
        (_, false) => {
            let columns = match evaluator.eval(root, grid)? {
                Value::Scalar(values) => vec![Series {
                    labels: Labels::default(),
                    values,
                }],
                Value::Vector(series) => series,
            };
            let mut series: Vec<TimeSeries> = columns
                .into_iter()
                .map(|column| TimeSeries {
                    labels: column.labels,
                    samples: grid
                        .times()
                        .zip(column.values)
                        .filter(|(_, value)| !is_stale(*value))
                        .map(|(timestamp_ms, value)| Sample {
                            timestamp_ms,
                            value,
                        })
                        .collect(),
                })
                .filter(|series| !series.samples.is_empty())
                .collect();
            series.sort_by(|a, b| a.labels.cmp(&b.labels));
            Ok(QueryValue::Matrix(series))
        }
    }
}

fn text_of(node: &Node) -> String {
    match node {
        Node::Text(text) => text.clone(),
        Node::Invariant(inner) => text_of(inner),
        _ => String::new(),
    }
}

/// The selectors that an expression reads, in the order of its text.
pub fn metric_selectors(expr: &Expr) -> Vec<MetricSelector> {
    let mut selectors = Vec::new();
    expr.root().for_each_selector(&mut |selector| {
        selectors.push(MetricSelector {
            metric: selector.metric_name().map(str::to_owned),
            matchers: selector.matchers.clone(),
        });
    });
    selectors
}

/// Which series a selector reads.
#[derive(Clone, Debug)]
pub struct MetricSelector {
    /// The metric's name, where the selector asks for exactly one.
    pub metric: Option<String>,
    /// All conditions, that on the name among them.
    pub matchers: Vec<Matcher>,
}
