//! Taking samples in.

use yunhai_model::{
    InvalidLabel, Labels, METRIC_NAME, Sample, TimeSeries, TimestampMs, is_stale,
    is_valid_label_name, is_valid_metric_name, with_causes,
};

use super::{State, Store};
use crate::catalogue::SeriesId;
use crate::head::Insertion;
use crate::wal::{RecordBuilder, Synced};
use crate::{AppendOutcome, Error, IncomingSeries, RejectReason, StoreConfig};

/// A record of the log holds at most about this much, so that a torn one costs little.
const RECORD_BYTES: usize = 4 << 20;

impl Store {
    /// Appends samples and returns when all that were accepted are synced to the log.
    ///
    /// Samples that the store has already are harmless. On an error nothing is acknowledged and
    /// the caller may send all of it again.
    pub async fn append(&self, series: Vec<TimeSeries>) -> Result<AppendOutcome, Error> {
        self.prepare().await?;
        let (outcome, synced) = {
            let mut appender = Appender::begin(self);
            for one in &series {
                appender.series(one.labels.iter(), || one.labels.clone(), &one.samples);
            }
            appender.finish()
        };
        self.wait(synced).await?;
        Ok(outcome)
    }

    /// Appends samples whose labels are borrowed, which costs no copy for known series.
    pub async fn append_borrowed(
        &self,
        series: &[IncomingSeries<'_>],
    ) -> Result<AppendOutcome, Error> {
        self.prepare().await?;
        let (outcome, synced) = {
            let mut appender = Appender::begin(self);
            for one in series {
                let is_canonical = one.labels.windows(2).all(|pair| pair[0].0 < pair[1].0)
                    && one.labels.iter().all(|(_, value)| !value.is_empty());
                if is_canonical {
                    let owned = || Labels::new(one.labels.iter().copied());
                    appender.series(one.labels.iter().copied(), owned, one.samples);
                } else {
                    match Labels::parse(one.labels.iter().copied()) {
                        Ok(labels) => {
                            appender.series(labels.iter(), || labels.clone(), one.samples);
                        }
                        Err(invalid) => {
                            let labels = || Labels::new(one.labels.iter().copied());
                            appender.reject_all(labels, one.samples, &RejectReason::from(invalid));
                        }
                    }
                }
            }
            appender.finish()
        };
        self.wait(synced).await?;
        Ok(outcome)
    }

    /// Waits where the head is too large, and repairs a log that could not be written.
    async fn prepare(&self) -> Result<(), Error> {
        self.check_open()?;
        if self.inner.wal.is_broken() {
            self.heal_log().await?;
        }
        let limit = self.inner.config.max_head_samples;
        let waiting = || {
            let state = self.read();
            state.head.samples + state.frozen.as_ref().map_or(0, |frozen| frozen.samples)
        };
        let samples = waiting();
        if samples < limit {
            return Ok(());
        }
        self.inner.wake.notify_one();
        if samples < 2 * limit {
            return Ok(());
        }
        let _maintenance = self.inner.maintenance.lock().await;
        if waiting() >= 2 * limit
            && let Err(error) = self.flush_due().await
        {
            if waiting() >= 4 * limit {
                return Err(Error::HeadFull { samples: waiting() });
            }
            tracing::error!(
                error = with_causes(&error),
                "the head cannot be flushed and grows"
            );
        }
        Ok(())
    }

    async fn wait(&self, synced: Synced) -> Result<(), Error> {
        let written = synced.await.map_err(|_| Error::Closed)?;
        written.map_err(|source| Error::LogWrite {
            folder: self.inner.wal.folder().to_owned(),
            source,
        })
    }
}

/// The times between which samples are taken.
struct Bounds {
    newest_accepted_ms: TimestampMs,
    oldest_kept_ms: TimestampMs,
    window_ms: i64,
    max_active_series: usize,
    refuse_non_finite: bool,
}

impl Bounds {
    fn takes(&self, value: f64) -> bool {
        !self.refuse_non_finite || value.is_finite() || is_stale(value)
    }
}

/// One call's work under the lock of the state.
struct Appender<'a> {
    state: std::sync::RwLockWriteGuard<'a, State>,
    store: &'a Store,
    bounds: Bounds,
    record: RecordBuilder,
    outcome: AppendOutcome,
    synced: Option<Synced>,
}

impl<'a> Appender<'a> {
    fn begin(store: &'a Store) -> Self {
        let config: &StoreConfig = &store.inner.config;
        let now_ms = store.inner.clock.now_ms();
        Self {
            state: store.write(),
            store,
            bounds: Bounds {
                newest_accepted_ms: now_ms.saturating_add(config.future_tolerance.as_millis()),
                oldest_kept_ms: now_ms.saturating_sub(store.longest_raw_retention_ms()),
                window_ms: config.out_of_order_window.as_millis(),
                max_active_series: config.max_active_series,
                refuse_non_finite: config.refuse_non_finite,
            },
            record: RecordBuilder::default(),
            outcome: AppendOutcome::default(),
            synced: None,
        }
    }

    fn series<'b>(
        &mut self,
        pairs: impl ExactSizeIterator<Item = (&'b str, &'b str)> + Clone,
        labels: impl Fn() -> Labels,
        samples: &[Sample],
    ) {
        let id = match self.resolve(pairs, &labels) {
            Ok(id) => id,
            Err(reason) => return self.reject_all(labels, samples, &reason),
        };
        if self.is_plain(id, samples) {
            self.log_series(id);
            self.state.head.extend(id, samples);
            for sample in samples {
                self.record.sample(id, *sample);
            }
            self.outcome.accepted += samples.len();
        } else {
            for sample in samples {
                self.sample(id, &labels, *sample);
            }
        }
        if self.record.len_bytes() > RECORD_BYTES {
            let record = std::mem::take(&mut self.record).finish();
            // The writer answers in order, so waiting for the last record waits for all, unless
            // one fails: then all later ones fail as well.
            self.synced = Some(self.store.inner.wal.submit(record));
        }
    }

    fn resolve<'b>(
        &mut self,
        pairs: impl ExactSizeIterator<Item = (&'b str, &'b str)> + Clone,
        labels: &impl Fn() -> Labels,
    ) -> Result<SeriesId, RejectReason> {
        let known = self.state.catalogue.find(&pairs);
        let is_active = known.is_some_and(|id| self.state.head.get(id).is_some());
        if !is_active && self.state.head.active >= self.bounds.max_active_series {
            return Err(RejectReason::CardinalityLimit {
                limit: self.bounds.max_active_series,
            });
        }
        let id = if let Some(id) = known {
            id
        } else {
            check_labels(pairs)?;
            self.state.catalogue.intern(&labels())
        };
        if !is_active {
            self.state.head.add(id);
        }
        Ok(id)
    }

    /// Tells whether samples are what nearly all are: in the order of time, newer than what the
    /// series has, and neither too old nor too new. None of them can be refused.
    fn is_plain(&self, id: SeriesId, samples: &[Sample]) -> bool {
        let (Some(first), Some(last)) = (samples.first(), samples.last()) else {
            return true;
        };
        let series = self.state.head.get(id);
        series.is_some_and(|series| series.latest_ms < first.timestamp_ms)
            && first.timestamp_ms >= self.bounds.oldest_kept_ms
            && last.timestamp_ms <= self.bounds.newest_accepted_ms
            && samples.is_sorted_by(|one, next| one.timestamp_ms < next.timestamp_ms)
            && samples.iter().all(|sample| self.bounds.takes(sample.value))
    }

    /// Has the log say what a series's id means, unless it has.
    fn log_series(&mut self, id: SeriesId) {
        let State {
            head, catalogue, ..
        } = &mut *self.state;
        let series = head.get_mut(id).expect("resolved series are in the head");
        if !std::mem::replace(&mut series.is_logged, true) {
            self.record.series(id, catalogue.labels(id));
        }
    }

    fn sample(&mut self, id: SeriesId, labels: &impl Fn() -> Labels, sample: Sample) {
        let time = sample.timestamp_ms;
        let bounds = &self.bounds;
        let State { head, frozen, .. } = &mut *self.state;
        let series = head.get(id).expect("resolved series are in the head");
        let oldest_accepted_ms = series.latest_ms.saturating_sub(bounds.window_ms);
        let reason = if !bounds.takes(sample.value) {
            RejectReason::NotFinite {
                value: sample.value.to_string(),
            }
        } else if time > bounds.newest_accepted_ms {
            RejectReason::TooFarInFuture {
                newest_accepted_ms: bounds.newest_accepted_ms,
            }
        } else if time < bounds.oldest_kept_ms {
            RejectReason::BeyondRetention {
                oldest_kept_ms: bounds.oldest_kept_ms,
            }
        } else if series.latest_ms != TimestampMs::MIN && time < oldest_accepted_ms {
            RejectReason::TooOld { oldest_accepted_ms }
        } else {
            match head.insert(id, frozen.as_deref(), sample) {
                Insertion::New => {
                    self.log_series(id);
                    self.record.sample(id, sample);
                    self.outcome.accepted += 1;
                    return;
                }
                Insertion::Duplicate => {
                    self.outcome.duplicates += 1;
                    return;
                }
                Insertion::Conflict => RejectReason::Conflict,
            }
        };
        self.outcome.reject(labels, sample, reason);
    }

    fn reject_all(
        &mut self,
        labels: impl Fn() -> Labels,
        samples: &[Sample],
        reason: &RejectReason,
    ) {
        for sample in samples {
            self.outcome.reject(&labels, *sample, reason.clone());
        }
    }

    /// Hands the record to the log while the lock is still held. Even a call of duplicates alone
    /// waits, since the originals may not be synced yet.
    fn finish(mut self) -> (AppendOutcome, Synced) {
        if self.outcome.accepted > 0 {
            self.state.appends += 1;
        }
        let record = self.record.finish();
        let synced = match self.synced {
            Some(synced) if record.is_empty() => synced,
            _ => self.store.inner.wal.submit(record),
        };
        (self.outcome, synced)
    }
}

fn check_labels<'b>(
    pairs: impl ExactSizeIterator<Item = (&'b str, &'b str)>,
) -> Result<(), RejectReason> {
    if pairs.len() == 0 {
        return Err(RejectReason::NoLabels);
    }
    for (name, value) in pairs {
        if !is_valid_label_name(name) {
            return Err(InvalidLabel::Name(name.to_owned()).into());
        }
        if name == METRIC_NAME && !is_valid_metric_name(value) {
            return Err(InvalidLabel::MetricName(value.to_owned()).into());
        }
    }
    Ok(())
}
