//! Counts the samples that come in, by the way on which they come.

use yunhai_series::AppendOutcome;

use crate::own_metrics::{SAMPLES_INGESTED, SAMPLES_REFUSED};

/// Where samples come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SampleSource {
    /// The measurements of the machine that the server runs on.
    Local,
    /// `yunhai agent` on another machine.
    Agent,
    /// Another sender of remote write.
    RemoteWrite,
    /// OTLP.
    Otlp,
    /// Probes.
    Probe,
    /// What clouds measured of their servers.
    Cloud,
    /// Recording rules, and `ALERTS` of alert rules.
    Rule,
    /// What Yunhai says of servers and of itself.
    Own,
}

const ALL: [SampleSource; 8] = [
    SampleSource::Local,
    SampleSource::Agent,
    SampleSource::RemoteWrite,
    SampleSource::Otlp,
    SampleSource::Probe,
    SampleSource::Cloud,
    SampleSource::Rule,
    SampleSource::Own,
];

impl SampleSource {
    fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Agent => "agent",
            Self::RemoteWrite => "remote_write",
            Self::Otlp => "otlp",
            Self::Probe => "probe",
            Self::Cloud => "cloud",
            Self::Rule => "rule",
            Self::Own => "own",
        }
    }

    /// Counts what became of samples.
    pub(crate) fn count(self, outcome: &AppendOutcome) {
        let (stored, refused) = (outcome.accepted, outcome.rejected_samples());
        metrics::counter!(SAMPLES_INGESTED, "source" => self.as_str()).increment(stored as u64);
        self.count_refused(refused);
    }

    /// Counts samples that were refused before they came to the store.
    pub(crate) fn count_refused(self, samples: usize) {
        metrics::counter!(SAMPLES_REFUSED, "source" => self.as_str()).increment(samples as u64);
    }
}

/// Makes the counters known at zero, so that a scrape sees their first increase.
pub(crate) fn begin_counting() {
    for source in ALL {
        source.count(&AppendOutcome::default());
    }
}
