//! The settings of alerting.

use serde::{Deserialize, Serialize};
use yunhai_model::{HumanDuration, Labels};
use yunhai_notify::Language;

/// How rules are evaluated and notifications sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MonitorConfig {
    /// How often groups are evaluated that set no interval; 1 minute.
    pub evaluation_interval: HumanDuration,
    /// How far in the past rules look in groups that set no offset; 0.
    pub query_offset: HumanDuration,
    /// How many groups are evaluated at once; 4.
    pub concurrency: usize,
    /// How many probes run at once; 64.
    pub probe_concurrency: usize,
    /// In which time the changes of an alert are counted; 1 hour.
    pub flapping_window: HumanDuration,
    /// From how many changes in that time on an alert flaps; 8. 0 switches the damping off.
    pub flapping_changes: usize,
    /// How often is looked for something to tell; 1 second.
    pub dispatch_interval: HumanDuration,
    /// How long an attempt may take before another one is made; 1 minute. It must be longer than
    /// the channels' own time-outs.
    pub send_lease: HumanDuration,
    /// How long the first repetition of a failed attempt waits; 5 seconds, doubled each time.
    pub retry_first: HumanDuration,
    /// How long a repetition waits at most; 10 minutes.
    pub retry_most: HumanDuration,
    /// After what time a notification that does not arrive is given up; 1 day.
    pub give_up_after: HumanDuration,
    /// After what time without a sign of life another server on the same database takes over; 15
    /// seconds.
    pub leader_lease: HumanDuration,
    /// For how long ended alerts and what happened to them are kept; 90 days.
    pub keep_alerts_for: HumanDuration,
    /// For how long notifications that have arrived or were given up are kept; 30 days.
    pub keep_notifications_for: HumanDuration,
    /// For how long silences and maintenance windows that are over are kept; 90 days.
    pub keep_silences_for: HumanDuration,
    /// Labels of this installation, for templates.
    pub external_labels: Labels,
    /// Where people reach this installation, for links.
    pub external_url: String,
    /// The language of the messages that channels send: `en` or `zh-CN`; `en`. What a rule says stays
    /// as it is written.
    pub language: Language,
}

impl Default for MonitorConfig {
    fn default() -> Self {
        Self {
            evaluation_interval: HumanDuration::from_secs(60),
            query_offset: HumanDuration::from_secs(0),
            concurrency: 4,
            probe_concurrency: 64,
            flapping_window: HumanDuration::from_secs(3600),
            flapping_changes: 8,
            dispatch_interval: HumanDuration::from_secs(1),
            send_lease: HumanDuration::from_secs(60),
            retry_first: HumanDuration::from_secs(5),
            retry_most: HumanDuration::from_secs(600),
            give_up_after: HumanDuration::from_secs(86_400),
            leader_lease: HumanDuration::from_secs(15),
            keep_alerts_for: HumanDuration::from_secs(90 * 86_400),
            keep_notifications_for: HumanDuration::from_secs(30 * 86_400),
            keep_silences_for: HumanDuration::from_secs(90 * 86_400),
            external_labels: Labels::default(),
            external_url: String::new(),
            language: Language::default(),
        }
    }
}

impl MonitorConfig {
    /// Tells everything that is wrong, each with its key.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (key, duration) in [
            ("evaluation_interval", self.evaluation_interval),
            ("dispatch_interval", self.dispatch_interval),
            ("send_lease", self.send_lease),
            ("retry_first", self.retry_first),
            ("give_up_after", self.give_up_after),
            ("leader_lease", self.leader_lease),
        ] {
            if duration.as_millis() <= 0 {
                faults.push(format!("{key}: it must be longer than zero"));
            }
        }
        // What is still needed to count flapping, and the attempts under a channel's limit.
        let least_ms = self.flapping_window.as_millis().max(3_600_000);
        for (key, duration) in [
            ("keep_alerts_for", self.keep_alerts_for),
            ("keep_notifications_for", self.keep_notifications_for),
            ("keep_silences_for", self.keep_silences_for),
        ] {
            if duration.as_millis() < least_ms {
                faults.push(format!(
                    "{key}: at least 1h, and not less than `flapping_window`"
                ));
            }
        }
        if self.concurrency == 0 {
            faults.push("concurrency: at least 1".to_owned());
        }
        if !(1..=10_000).contains(&self.probe_concurrency) {
            faults.push("probe_concurrency: from 1 to 10000".to_owned());
        }
        faults
    }
}
