//! Makes series out of what the audit log says, so that rules can raise an alarm: failed sign-ins,
//! lock-outs, refusals, and whether the log is as it was written.
//!
//! Each server does so for the store that it keeps, whether it leads or not: who takes over finds
//! the counts of the time before, and each verifies against the checkpoint file of its own. The
//! counts are those of the log itself, and so go on where a restart or another server left them; what
//! the newest verification found is taken from it too, whoever has verified.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use yunhai_identity::{AuditVerification, Caller, SecurityCounts};
use yunhai_model::{Labels, Sample, TimeSeries, TimestampMs, with_causes};

use crate::app::App;
use crate::own_metrics::{AUDIT_INTACT, LOCKOUTS, PERMISSION_DENIALS, SIGN_IN_FAILURES};
use crate::samples::SampleSource;

/// How often the log is read and the series are written.
const WRITE_EVERY_MS: i64 = 60_000;

/// How long after the start the log is verified the first time: what a start has to do comes first.
const FIRST_VERIFICATION_MS: i64 = 60_000;

/// How often it is verified then.
const VERIFY_EVERY_MS: i64 = 24 * 3_600_000;

/// How long to wait where it could not be read.
const VERIFY_AGAIN_MS: i64 = 600_000;

/// How often to look at the clock, which may be set.
const LOOK: Duration = Duration::from_secs(1);

const UNKNOWN: u8 = 2;

/// What the last verification found.
#[derive(Debug)]
pub(crate) struct AuditVerdict {
    value: AtomicU8,
    /// Woken when a verification finds something else than the one before.
    changed: Notify,
}

impl Default for AuditVerdict {
    fn default() -> Self {
        Self {
            value: AtomicU8::new(UNKNOWN),
            changed: Notify::new(),
        }
    }
}

impl AuditVerdict {
    /// Takes what a verification of this process has found, also where it could not be recorded.
    pub(crate) fn note(&self, verification: &AuditVerification) {
        if self.set(verification.is_whole()) {
            self.changed.notify_one();
        }
    }

    /// Returns whether that is something else than before.
    fn set(&self, is_whole: bool) -> bool {
        let value = u8::from(is_whole);
        self.value.swap(value, Ordering::Relaxed) != value
    }

    /// 1 for a whole log, 0 for a damaged one; `None` before the first verification.
    fn value(&self) -> Option<f64> {
        let value = self.value.load(Ordering::Relaxed);
        (value != UNKNOWN).then(|| f64::from(value))
    }
}

/// Writes the series each minute, and at once when the log is found to be damaged or whole again;
/// verifies the log each day. Until stopped.
pub(crate) async fn run(app: &App, stop: CancellationToken) {
    let watching = async {
        // A long log takes its time to verify; the series are written meanwhile.
        tokio::join!(write_each_minute(app), verify_each_day(app));
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = watching => {}
    }
}

async fn write_each_minute(app: &App) {
    let mut counts = SecurityCounts::default();
    loop {
        let written_at_ms = app.clock.now_ms();
        counts = write(app, counts).await;
        tokio::select! {
            () = wait(app, written_at_ms, WRITE_EVERY_MS) => {}
            () = app.audit_verdict.changed.notified() => {}
        }
    }
}

/// Reads what is new in the log and writes the series; returns the counts.
pub(crate) async fn write(app: &App, before: SecurityCounts) -> SecurityCounts {
    let counts = match app.identity.audit().count_security_events(before).await {
        Ok(counts) => counts,
        Err(error) => {
            tracing::warn!(
                error = with_causes(&error),
                "cannot read what is new in the audit log"
            );
            return before;
        }
    };
    let counters = [
        (SIGN_IN_FAILURES, counts.sign_in_failures),
        (LOCKOUTS, counts.lockouts),
        (PERMISSION_DENIALS, counts.permission_denials),
    ];
    for (name, count) in counters {
        metrics::counter!(name).absolute(count);
    }
    if let Some(is_whole) = counts.verified_since(&before) {
        app.audit_verdict.set(is_whole);
    }
    let verdict = app.audit_verdict.value();
    if let Some(verdict) = verdict {
        metrics::gauge!(AUDIT_INTACT).set(verdict);
    }
    let values = counters.map(|(name, count)| (name, count as f64));
    let values = values
        .into_iter()
        .chain(verdict.map(|verdict| (AUDIT_INTACT, verdict)));
    append(app, values).await;
    counts
}

async fn append(app: &App, values: impl Iterator<Item = (&'static str, f64)>) {
    let timestamp_ms = app.clock.now_ms();
    let no_labels: [(&str, &str); 0] = [];
    let series = values
        .map(|(name, value)| TimeSeries {
            labels: Labels::of_metric(name, no_labels),
            samples: vec![Sample {
                timestamp_ms,
                value,
            }],
        })
        .collect();
    match app.store.append(series).await {
        Ok(outcome) => {
            SampleSource::Own.count(&outcome);
            for rejection in &outcome.rejected {
                tracing::warn!(%rejection, "what the audit log says was refused");
            }
        }
        Err(error) => tracing::error!(
            error = with_causes(&error),
            "cannot store what the audit log says"
        ),
    }
}

async fn verify_each_day(app: &App) {
    wait(app, app.clock.now_ms(), FIRST_VERIFICATION_MS).await;
    loop {
        let begun_ms = app.clock.now_ms();
        let audit = app.identity.audit();
        let pause_ms = match audit.verify_for(&Caller::system()).await {
            Ok(verification) => {
                app.audit_verdict.note(&verification);
                if let Some(fault) = &verification.fault {
                    tracing::error!(
                        entry = fault.sequence,
                        explanation = fault.explanation,
                        "the audit log is not as it was written"
                    );
                }
                VERIFY_EVERY_MS
            }
            Err(error) => {
                tracing::warn!(error = with_causes(&error), "cannot verify the audit log");
                VERIFY_AGAIN_MS
            }
        };
        wait(app, begun_ms, pause_ms).await;
    }
}

/// Waits until so much time has passed by the server's clock, or until it was set back.
async fn wait(app: &App, since_ms: TimestampMs, pause_ms: i64) {
    loop {
        let passed_ms = app.clock.now_ms() - since_ms;
        if !(0..pause_ms).contains(&passed_ms) {
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
}
