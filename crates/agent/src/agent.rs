//! Takes rounds of measuring to the server, by way of the buffer where it must be.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use yunhai_model::{Clock, TimestampMs, with_causes};

use crate::measure::{self, Counts, Round};
use crate::remote_write;
use crate::sender::{Outcome, Sender};
use crate::{AgentConfig, Buffer, Error, pause};

/// How many rounds may wait in memory while one is being sent.
const WAITING_ROUNDS: usize = 16;

/// Measures this machine and sends what was measured, until stopped. Then what the server has not
/// taken is in the buffer.
pub async fn run(
    config: AgentConfig,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) -> Result<(), Error> {
    let sender = Sender::new(&config)?;
    let buffer = Buffer::open(&config.buffer, config.buffer_bytes).map_err(|source| {
        let folder = config.buffer.clone();
        Error::Buffer { folder, source }
    })?;
    let counts = Arc::new(Counts::default());
    let (rounds, measured) = mpsc::channel(WAITING_ROUNDS);
    let measuring = tokio::spawn(measure::run(
        config.host,
        config.interval,
        clock,
        Arc::clone(&counts),
        rounds,
        stop.clone(),
    ));
    let mut delivery = Delivery {
        sender,
        buffer,
        counts,
        stop,
        next_attempt: Instant::now(),
        failures: 0,
        knows_metrics: false,
        measured_at: None,
    };
    delivery.run(measured).await;
    if let Err(error) = measuring.await {
        tracing::error!(error = with_causes(&error), "measuring ended badly");
    }
    Ok(())
}

struct Delivery {
    sender: Sender,
    buffer: Buffer,
    counts: Arc<Counts>,
    stop: CancellationToken,
    /// Before that the server is left alone.
    next_attempt: Instant,
    /// How often in a row the server has taken nothing.
    failures: u32,
    /// Whether the server was told what the metrics mean.
    knows_metrics: bool,
    /// When the last round was measured, by which is told what the clock says now.
    measured_at: Option<(TimestampMs, Instant)>,
}

impl Delivery {
    async fn run(&mut self, mut rounds: mpsc::Receiver<Round>) {
        self.note_buffered();
        loop {
            tokio::select! {
                round = rounds.recv() => match round {
                    Some(round) => self.take(round).await,
                    None => return,
                },
                () = tokio::time::sleep_until(self.next_attempt), if !self.buffer.is_empty() => {
                    self.send_oldest().await;
                }
            }
            self.note_buffered();
        }
    }

    /// Sends a round at once, unless others wait before it: the server takes samples in the order of
    /// their time only.
    async fn take(&mut self, round: Round) {
        self.measured_at = Some(round.at);
        let is_free = self.buffer.is_empty()
            && Instant::now() >= self.next_attempt
            && !self.stop.is_cancelled();
        if is_free && self.send(&round.request, u64::from(round.samples)).await {
            return;
        }
        match self.buffer.push(&round.request, round.samples) {
            Ok(0) => {}
            Ok(dropped) => {
                self.drop_samples(dropped);
                tracing::warn!(
                    samples = dropped,
                    "the buffer is full, and the oldest measurements were dropped"
                );
            }
            Err(error) => {
                self.drop_samples(u64::from(round.samples));
                tracing::error!(
                    error = with_causes(&error),
                    "measurements cannot be kept for later and are lost"
                );
            }
        }
    }

    async fn send_oldest(&mut self) {
        let oldest = match self.buffer.oldest() {
            Ok(Some(oldest)) => oldest,
            Ok(None) => return,
            Err(error) => {
                tracing::error!(
                    error = with_causes(&error),
                    "what waits in the buffer cannot be read"
                );
                self.next_attempt = Instant::now() + pause::LONGEST;
                return;
            }
        };
        if !oldest.request.is_empty() && !self.send(&oldest.request, oldest.samples).await {
            return;
        }
        if let Err(error) = self.buffer.remove_oldest() {
            tracing::error!(
                error = with_causes(&error),
                "measurements that were sent cannot be removed, and are sent again"
            );
            self.next_attempt = Instant::now() + pause::LONGEST;
        }
    }

    /// Sends a `WriteRequest` and tells whether it is done with.
    async fn send(&mut self, request: &[u8], samples: u64) -> bool {
        let mut with_metadata = Vec::new();
        if !self.knows_metrics {
            with_metadata = remote_write::metadata();
            with_metadata.extend_from_slice(request);
        }
        let request = if self.knows_metrics {
            request
        } else {
            &with_metadata
        };
        let now_ms = self
            .measured_at
            .map(|(at_ms, at)| at_ms + at.elapsed().as_millis() as i64);
        let outcome = tokio::select! {
            outcome = self.sender.send(request, now_ms) => outcome,
            // It may have arrived; the server notices what comes twice.
            () = self.stop.cancelled() => return false,
        };
        match outcome {
            Outcome::Taken => {
                self.succeeded();
                true
            }
            Outcome::Refused(reason) => {
                self.succeeded();
                self.counts
                    .refused_samples
                    .fetch_add(samples, Ordering::Relaxed);
                tracing::warn!(samples, reason, "the server has refused measurements");
                true
            }
            Outcome::Later { reason, pause } => {
                let least = pause.unwrap_or_default();
                self.next_attempt = Instant::now() + pause::after(self.failures).max(least);
                if self.failures == 0 {
                    tracing::warn!(
                        reason,
                        "the server takes no measurements; they are kept until it does"
                    );
                }
                self.failures += 1;
                false
            }
        }
    }

    fn succeeded(&mut self) {
        if self.failures > 0 {
            tracing::info!(
                waiting_bytes = self.buffer.bytes(),
                "the server takes measurements again"
            );
        }
        self.failures = 0;
        self.knows_metrics = true;
        self.next_attempt = Instant::now();
    }

    fn drop_samples(&self, samples: u64) {
        self.counts
            .dropped_samples
            .fetch_add(samples, Ordering::Relaxed);
    }

    fn note_buffered(&self) {
        self.counts
            .buffered_bytes
            .store(self.buffer.bytes(), Ordering::Relaxed);
    }
}
