//! Probes behind one door: kept in the database, run in their own intervals, tried by hand.

mod schedule;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use yunhai_collector::probe::{ProbeConfig, Prober};
use yunhai_database::{Database, Transaction};
use yunhai_model::{
    Clock, Labels, ProbeId, Sample, Secret, TimeSeries, TimestampMs, stale_nan, with_causes,
};

use crate::error::{Error, Result};
use crate::monitor::SampleSink;
use crate::notification::SecretSealer;
use crate::probe::{NewProbe, Probe, ProbeRun, ProbeSettings};
use crate::store::Store;
use schedule::{Schedule, Wanted};

/// How often is looked for what another server on the same database has changed.
const RELOAD_INTERVAL: Duration = Duration::from_secs(30);

/// How often a server that does not lead looks whether it does.
const STANDBY_INTERVAL: Duration = Duration::from_secs(1);

/// How far ahead of the clock samples may be because runs followed one another at once.
const SAME_MOMENT_MS: i64 = 1000;

/// What probes are built from.
pub struct ProbesParts {
    /// The state database, migrated with [`crate::MIGRATIONS`].
    pub database: Database,
    /// Takes what probes find.
    pub sink: Arc<dyn SampleSink>,
    /// Seals headers and bodies.
    pub sealer: Arc<dyn SecretSealer>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// How many probes run at once.
    pub concurrency: usize,
}

/// All probes. Cheap to clone.
#[derive(Clone)]
pub struct Probes(Arc<Inner>);

struct Inner {
    store: Store,
    sink: Arc<dyn SampleSink>,
    sealer: Arc<dyn SecretSealer>,
    clock: Arc<dyn Clock>,
    prober: Prober,
    free: Semaphore,
    known: RwLock<BTreeMap<ProbeId, Known>>,
    /// Held while what is known and what is stored are brought together.
    changing: Arc<tokio::sync::Mutex<()>>,
    generation: watch::Sender<u64>,
}

/// A probe and how it fares.
#[derive(Clone)]
struct Known {
    probe: Arc<Probe>,
    course: Arc<Course>,
}

/// What goes on with one probe.
#[derive(Default)]
struct Course {
    /// The series that the last run wrote, to end those that the next one does not have. Held
    /// while the probe runs, so that it never runs twice at once.
    written: tokio::sync::Mutex<Written>,
    last: Mutex<Option<ProbeRun>>,
    /// Whether the probe was paused or deleted: what still runs is not stored.
    is_over: AtomicBool,
}

#[derive(Debug, Default)]
struct Written {
    at_ms: TimestampMs,
    series: Vec<Labels>,
}

impl Written {
    /// When the next samples are from. One for a moment that has one already would be refused, and so
    /// would those of a clock that has since been set back.
    fn next_ms(&self, now_ms: TimestampMs) -> TimestampMs {
        let is_set_back = now_ms < self.at_ms - SAME_MOMENT_MS;
        if is_set_back {
            now_ms
        } else {
            now_ms.max(self.at_ms + 1)
        }
    }
}

impl Probes {
    /// Reads the probes; nothing runs yet.
    pub async fn load(parts: ProbesParts) -> Result<Self> {
        let store = Store::new(parts.database);
        let known = store
            .probes()
            .await?
            .into_iter()
            .map(|probe| (probe.id, Known::new(probe)))
            .collect();
        Ok(Self(Arc::new(Inner {
            store,
            sink: parts.sink,
            sealer: parts.sealer,
            clock: parts.clock,
            prober: Prober::new(),
            free: Semaphore::new(parts.concurrency.max(1)),
            known: RwLock::new(known),
            changing: Arc::default(),
            generation: watch::Sender::new(0),
        })))
    }

    /// Returns all probes with their last runs since the start.
    pub fn all(&self) -> Vec<(Arc<Probe>, Option<ProbeRun>)> {
        let known = self.0.known.read();
        let known = known.unwrap_or_else(PoisonError::into_inner);
        known
            .values()
            .map(|known| (Arc::clone(&known.probe), known.course.last()))
            .collect()
    }

    /// Returns a probe with its last run.
    pub fn get(&self, id: ProbeId) -> Result<(Arc<Probe>, Option<ProbeRun>)> {
        let known = self.known(id)?;
        let last = known.course.last();
        Ok((known.probe, last))
    }

    /// Follows the changes of probes, not their runs.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.generation.subscribe()
    }

    /// Makes a probe; it runs at once.
    pub async fn add(&self, transaction: &mut Transaction, new: NewProbe) -> Result<Probe> {
        let now_ms = self.0.clock.now_ms();
        let probe = self.sealed(ProbeId::new(), now_ms, new, None)?;
        transaction.hold(&self.0.changing).await;
        let connection = transaction.connection().await?;
        self.0.store.add_probe(connection, &probe).await?;
        self.remember_once_stored(transaction, &probe);
        Ok(probe)
    }

    /// Changes a probe; it runs at once. Secrets without a value stay what they were. Returns what the
    /// probe was and what it is.
    pub async fn change(
        &self,
        transaction: &mut Transaction,
        id: ProbeId,
        new: NewProbe,
    ) -> Result<(Probe, Probe)> {
        transaction.hold(&self.0.changing).await;
        let connection = transaction.connection().await?;
        let old = self.0.store.hold_probe(connection, id).await?;
        let before = self.open(&old)?;
        let mut probe = self.sealed(id, old.created_at_ms, new, Some(&before))?;
        // Later than before also where the clock stood still, so that no two versions share it.
        probe.updated_at_ms = probe.updated_at_ms.max(old.updated_at_ms + 1);
        self.0.store.change_probe(connection, &probe).await?;
        self.remember_once_stored(transaction, &probe);
        Ok((old, probe))
    }

    /// Deletes a probe and ends its series; returns what it was.
    pub async fn delete(&self, transaction: &mut Transaction, id: ProbeId) -> Result<Probe> {
        transaction.hold(&self.0.changing).await;
        let connection = transaction.connection().await?;
        let old = self.0.store.hold_probe(connection, id).await?;
        self.0.store.delete_probe(connection, id).await?;
        let probes = self.clone();
        transaction.after_commit(async move {
            probes.forget(id);
            probes.moved_on();
        });
        Ok(old)
    }

    fn remember_once_stored(&self, transaction: &mut Transaction, probe: &Probe) {
        let (probes, probe) = (self.clone(), probe.clone());
        transaction.after_commit(async move {
            probes.remember(probe);
            probes.moved_on();
        });
    }

    fn moved_on(&self) {
        self.0.generation.send_modify(|generation| *generation += 1);
    }

    /// Runs a probe now, after the run that is under way, and returns how it went. A paused one
    /// is only tried.
    pub async fn run_now(&self, id: ProbeId) -> Result<ProbeRun> {
        let known = self.known(id)?;
        self.run_once(&known).await
    }

    /// Tries settings without keeping anything. Secrets without a value are those of the probe
    /// `id`.
    pub async fn try_out(&self, new: NewProbe, id: Option<ProbeId>) -> Result<ProbeRun> {
        let before = id.map(|id| self.open(&self.known(id)?.probe)).transpose()?;
        let config = checked(&with_kept_secrets(new, before.as_ref()))?;
        let at_ms = self.0.clock.now_ms();
        let report = self.0.prober.probe(&config, at_ms).await;
        Ok(ProbeRun::of(&report, at_ms))
    }

    /// Runs every probe once, for a check without a server.
    pub async fn run_all(&self) {
        let mut running = JoinSet::new();
        for wanted in self.wanted() {
            let probes = self.clone();
            running.spawn(async move { probes.run_scheduled(wanted.id).await });
        }
        running.join_all().await;
    }

    /// Runs the probes in their intervals until stopped. Of several servers on one database the
    /// one runs them for which `is_leading` holds.
    pub async fn run(&self, is_leading: impl Fn() -> bool, stop: CancellationToken) {
        let started = Instant::now();
        let mut changes = self.changes();
        let mut reloads = tokio::time::interval(RELOAD_INTERVAL);
        reloads.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut schedule = Schedule::default();
        schedule.follow(&self.wanted(), started.elapsed());
        let mut running = JoinSet::new();
        loop {
            let is_leading = is_leading();
            while is_leading && let Some(id) = schedule.take_due(started.elapsed()) {
                let probes = self.clone();
                running.spawn(async move {
                    probes.run_scheduled(id).await;
                    id
                });
            }
            let next = schedule.next_due();
            let wait = next.map(|due| due.saturating_sub(started.elapsed()));
            let wait = wait.map(|wait| if is_leading { wait } else { STANDBY_INTERVAL });
            tokio::select! {
                () = stop.cancelled() => return,
                changed = changes.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    schedule.follow(&self.wanted(), started.elapsed());
                }
                _ = reloads.tick() => {
                    if let Err(error) = self.reload().await {
                        tracing::warn!(error = with_causes(&error), "cannot look for changes of probes");
                    }
                }
                Some(ended) = running.join_next() => match ended {
                    Ok(id) => schedule.finished(id, started.elapsed()),
                    Err(error) => tracing::error!(error = with_causes(&error), "a probe ended badly"),
                },
                () = tokio::time::sleep(wait.unwrap_or_default()), if wait.is_some() => {}
            }
        }
    }

    /// Takes over what another server on this database has changed.
    async fn reload(&self) -> Result<()> {
        let _changing = self.0.changing.lock().await;
        let stored = self.0.store.probes().await?;
        let mut has_changed = false;
        for (probe, _) in self.all() {
            if !stored.iter().any(|stored| stored.id == probe.id) {
                self.forget(probe.id);
                has_changed = true;
            }
        }
        for probe in stored {
            if self
                .known(probe.id)
                .is_ok_and(|known| *known.probe == probe)
            {
                continue;
            }
            self.remember(probe);
            has_changed = true;
        }
        if has_changed {
            self.moved_on();
        }
        Ok(())
    }

    async fn run_scheduled(&self, id: ProbeId) {
        let Ok(known) = self.known(id) else {
            return; // Deleted in the meantime.
        };
        let Ok(_permit) = self.0.free.acquire().await else {
            return;
        };
        if let Err(error) = self.run_once(&known).await {
            let probe = &known.probe.settings.name;
            tracing::error!(
                probe,
                error = with_causes(&error),
                "cannot run a probe or store what it found"
            );
        }
    }

    async fn run_once(&self, known: &Known) -> Result<ProbeRun> {
        let course = &known.course;
        let mut written = course.written.lock().await;
        let config = checked(&self.open(&known.probe)?)?;
        let at_ms = written.next_ms(self.0.clock.now_ms());
        let report = self.0.prober.probe(&config, at_ms).await;
        let run = ProbeRun::of(&report, at_ms);
        if course.is_over.load(Ordering::Acquire) {
            return Ok(run);
        }
        *course.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(run.clone());
        let series: Vec<Labels> = report
            .series
            .iter()
            .map(|series| series.labels.clone())
            .collect();
        let ended = written
            .series
            .iter()
            .filter(|labels| !series.contains(labels));
        let samples = ended
            .map(|labels| end_of(labels, at_ms))
            .chain(report.series.iter().cloned())
            .collect();
        self.0.sink.append(samples).await.map_err(Error::Sink)?;
        *written = Written { at_ms, series };
        Ok(run)
    }

    /// Ends the series of a probe that was paused or deleted, once its run is over.
    fn end(&self, course: Arc<Course>) {
        if course.is_over.swap(true, Ordering::AcqRel) {
            return;
        }
        let (sink, clock) = (Arc::clone(&self.0.sink), Arc::clone(&self.0.clock));
        tokio::spawn(async move {
            let written = std::mem::take(&mut *course.written.lock().await);
            let at_ms = written.next_ms(clock.now_ms());
            let series = written
                .series
                .iter()
                .map(|labels| end_of(labels, at_ms))
                .collect();
            if let Err(error) = sink.append(series).await {
                tracing::warn!(error, "cannot end the series of a probe");
            }
        });
    }

    /// Checks what a probe is made of and seals its secrets.
    fn sealed(
        &self,
        id: ProbeId,
        created_at_ms: TimestampMs,
        new: NewProbe,
        before: Option<&ProbeSettings<Secret>>,
    ) -> Result<Probe> {
        let settings = with_kept_secrets(new, before);
        checked(&settings)?;
        let name = settings.name.clone();
        let sealed = settings.with_secrets(|field, secret| {
            self.0
                .sealer
                .seal(&place(id, field), secret.expose())
                .map_err(|reason| Error::ProbeSecret {
                    attempt: "seal",
                    probe: name.clone(),
                    reason,
                })
        })?;
        Ok(Probe {
            id,
            settings: sealed,
            created_at_ms,
            updated_at_ms: self.0.clock.now_ms(),
        })
    }

    fn remember(&self, probe: Probe) {
        let id = probe.id;
        let known = Known::new(probe);
        let probe = Arc::clone(&known.probe);
        let over = {
            let all = self.0.known.write();
            let mut all = all.unwrap_or_else(PoisonError::into_inner);
            let before = all.get(&id).map(|known| Arc::clone(&known.course));
            match before {
                // Its series go on, so what is known of them stays.
                Some(course) if probe.settings.is_enabled && !course.is_over() => {
                    all.insert(id, Known { course, ..known });
                    None
                }
                before => {
                    all.insert(id, known);
                    before
                }
            }
        };
        if let Some(course) = over {
            self.end(course);
        }
    }

    fn forget(&self, id: ProbeId) {
        let known = self
            .0
            .known
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&id);
        if let Some(known) = known {
            self.end(known.course);
        }
    }

    /// A probe's settings with the secrets in the clear, for the prober alone.
    fn open(&self, probe: &Probe) -> Result<ProbeSettings<Secret>> {
        let settings = probe.settings.clone();
        settings.with_secrets(|field, sealed| {
            self.0
                .sealer
                .open(&place(probe.id, field), &sealed)
                .map(Secret::new)
                .map_err(|reason| Error::ProbeSecret {
                    attempt: "open",
                    probe: probe.settings.name.clone(),
                    reason,
                })
        })
    }

    fn known(&self, id: ProbeId) -> Result<Known> {
        let known = self.0.known.read();
        let known = known.unwrap_or_else(PoisonError::into_inner);
        known.get(&id).cloned().ok_or_else(|| Error::NotFound {
            what: "probe",
            id: id.to_string(),
        })
    }

    fn wanted(&self) -> Vec<Wanted> {
        let known = self.0.known.read();
        let known = known.unwrap_or_else(PoisonError::into_inner);
        known
            .values()
            .map(|known| &known.probe)
            .filter(|probe| probe.settings.is_enabled)
            .map(|probe| Wanted {
                id: probe.id,
                interval: Duration::from_secs(probe.settings.interval_secs),
                updated_at_ms: probe.updated_at_ms,
            })
            .collect()
    }
}

impl std::fmt::Debug for Probes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Probes").finish_non_exhaustive()
    }
}

impl Known {
    fn new(probe: Probe) -> Self {
        let course = Course::default();
        course
            .is_over
            .store(!probe.settings.is_enabled, Ordering::Release);
        Self {
            probe: Arc::new(probe),
            course: Arc::new(course),
        }
    }
}

impl Course {
    fn last(&self) -> Option<ProbeRun> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.clone()
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }
}

/// Puts the secrets that a probe has in place of those that a change leaves out.
fn with_kept_secrets(
    new: NewProbe,
    before: Option<&ProbeSettings<Secret>>,
) -> ProbeSettings<Secret> {
    let kept = |field: &str| {
        let before = before?;
        match field.strip_prefix("headers/") {
            Some(name) => before.headers.get(name).cloned(),
            None => before.body.clone(),
        }
    };
    let Ok(mut settings) =
        new.with_secrets(|field, secret| Ok::<_, Infallible>(secret.or_else(|| kept(field))));
    // A header that never had a value is sent empty; a body that never was is none.
    let body = settings.body.take().flatten();
    let Ok(mut settings) =
        settings.with_secrets(|_, secret| Ok::<_, Infallible>(secret.unwrap_or_default()));
    settings.body = body;
    settings
}

fn checked(settings: &ProbeSettings<Secret>) -> Result<ProbeConfig> {
    settings.to_config().map_err(|faults| Error::Invalid {
        what: "probe",
        faults,
    })
}

/// The place for which a secret of a probe is sealed.
pub(crate) fn place(probe: ProbeId, field: &str) -> String {
    format!("probe/{probe}/{field}")
}

fn end_of(labels: &Labels, timestamp_ms: TimestampMs) -> TimeSeries {
    TimeSeries {
        labels: labels.clone(),
        samples: vec![Sample {
            timestamp_ms,
            value: stale_nan(),
        }],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_moment_comes_twice_and_a_clock_that_is_set_back_is_followed() {
        let written = Written {
            at_ms: 10_000_000,
            series: Vec::new(),
        };
        assert_eq!(written.next_ms(10_000_000), 10_000_001);
        assert_eq!(written.next_ms(9_999_999), 10_000_001);
        assert_eq!(written.next_ms(10_000_500), 10_000_500);
        assert_eq!(written.next_ms(2_800_000), 2_800_000);
    }
}
