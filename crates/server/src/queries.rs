//! Queries of people and of their dashboards: few at a time, and one that several ask for once.
//!
//! Everyone who has the overview open asks for the same charts at the same moment. Evaluated all at
//! once these would take as many times the memory and keep other requests from the processors.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use futures::future::{BoxFuture, WeakShared};
use tokio::sync::Semaphore;
use yunhai_model::TimestampMs;
use yunhai_promql::{Annotated, Engine, Error, Expr};
use yunhai_series::Store;

/// A query over a range of time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RangeQuery {
    /// The expression as it was written.
    pub(crate) text: String,
    pub(crate) start_ms: TimestampMs,
    pub(crate) end_ms: TimestampMs,
    pub(crate) step_ms: i64,
}

type Answer = Result<Arc<Annotated>, Arc<Error>>;

/// Evaluates queries in turn.
#[derive(Clone)]
pub(crate) struct Queries {
    engine: Engine,
    store: Store,
    turns: Arc<Semaphore>,
    asked: Arc<Mutex<HashMap<RangeQuery, Asked>>>,
}

/// A query that is waiting for its turn or under way. It is held weakly: one that nobody waits for
/// any more gives up its place.
struct Asked {
    answer: WeakShared<BoxFuture<'static, Answer>>,
    /// What the store had taken in when the query's turn came.
    begun_at: Arc<AtomicU64>,
}

/// The query's turn has not come.
const NOT_BEGUN: u64 = u64::MAX;

impl Queries {
    /// Evaluates as many queries at once as there are processors.
    pub(crate) fn new(engine: Engine, store: Store) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            engine,
            store,
            turns: Arc::new(Semaphore::new(processors)),
            asked: Arc::default(),
        }
    }

    /// Evaluates a query; `expr` is what its text means.
    ///
    /// Who asks for what is waiting already gets its answer, and so does who asks for what is under
    /// way, unless samples have come since it began to read the store.
    pub(crate) async fn range(&self, query: RangeQuery, expr: Expr) -> Answer {
        let answer = {
            let appends = self.store.appends();
            let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            let known = asked
                .get(&query)
                .filter(|one| {
                    let begun_at = one.begun_at.load(Ordering::SeqCst);
                    begun_at == NOT_BEGUN || begun_at == appends
                })
                .and_then(|one| one.answer.upgrade());
            known.unwrap_or_else(|| {
                asked.retain(|_, one| one.answer.upgrade().is_some());
                let begun_at = Arc::new(AtomicU64::new(NOT_BEGUN));
                let evaluation = self
                    .clone()
                    .evaluate(query.clone(), expr, Arc::clone(&begun_at));
                let answer = evaluation.boxed().shared();
                if let Some(weak) = answer.downgrade() {
                    let one = Asked {
                        answer: weak,
                        begun_at,
                    };
                    asked.insert(query, one);
                }
                answer
            })
        };
        answer.await
    }

    async fn evaluate(self, query: RangeQuery, expr: Expr, begun_at: Arc<AtomicU64>) -> Answer {
        // The semaphore is never closed; without a turn the answer would come all the same.
        let _turn = self.turns.acquire().await.ok();
        begun_at.store(self.store.appends(), Ordering::SeqCst);
        let RangeQuery {
            start_ms,
            end_ms,
            step_ms,
            ..
        } = query;
        self.engine
            .range_annotated(&self.store, &expr, start_ms, end_ms, step_ms)
            .await
            .map(Arc::new)
            .map_err(Arc::new)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use yunhai_model::{Labels, ManualClock, Sample, TimeSeries};
    use yunhai_series::StoreConfig;

    use super::*;

    /// One turn at a time over a store with the one series `up`.
    async fn queries(folder: &std::path::Path) -> Queries {
        let clock = Arc::new(ManualClock::new(60_000));
        let store = Store::open(StoreConfig::in_directory(folder), clock)
            .await
            .unwrap();
        let series = TimeSeries {
            labels: Labels::of_metric("up", [("server", "a")]),
            samples: vec![Sample {
                timestamp_ms: 60_000,
                value: 1.0,
            }],
        };
        store.append(vec![series]).await.unwrap();
        Queries {
            turns: Arc::new(Semaphore::new(1)),
            ..Queries::new(Engine::default(), store)
        }
    }

    fn query(text: &str) -> (RangeQuery, Expr) {
        let range = RangeQuery {
            text: text.to_owned(),
            start_ms: 60_000,
            end_ms: 60_000,
            step_ms: 1000,
        };
        (range, yunhai_promql::parse(text).unwrap())
    }

    #[tokio::test]
    async fn the_same_query_is_evaluated_once_for_all_who_wait_and_anew_for_later_ones() {
        let folder = tempfile::tempdir().unwrap();
        let queries = queries(folder.path()).await;
        let busy = queries.turns.acquire().await.unwrap();
        let ask = |text| {
            let (range, expr) = query(text);
            queries.range(range, expr)
        };
        let asked = futures::future::join3(ask("up"), ask("up"), ask("up + 1"));
        let release = async {
            // All three wait by now, as they were polled first.
            assert_eq!(queries.asked.lock().unwrap().len(), 2);
            drop(busy);
        };
        let ((first, second, other), ()) = futures::future::join(asked, release).await;
        let (first, second, other) = (first.unwrap(), second.unwrap(), other.unwrap());
        assert!(Arc::ptr_eq(&first, &second));
        assert!(!Arc::ptr_eq(&first, &other));
        let later = ask("up").await.unwrap();
        assert!(!Arc::ptr_eq(&first, &later));
    }

    #[tokio::test]
    async fn a_query_that_nobody_waits_for_gives_up_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let queries = queries(folder.path()).await;
        let busy = queries.turns.acquire().await.unwrap();
        let (range, expr) = query("up");
        let left = queries.range(range, expr).now_or_never();
        assert!(left.is_none());
        drop(busy);
        let (range, expr) = query("up");
        assert!(queries.range(range, expr).await.is_ok());
    }
}
