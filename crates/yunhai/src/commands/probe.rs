//! `yunhai probe …`: addresses that the server asks again and again.

use std::collections::BTreeMap;
use std::io::Read;

use anyhow::{Context, bail};
use reqwest::Method;
use yunhai_api_types::{
    Probe, ProbeMethod, ProbeRequest, ProbeResult, ProbeState, ProbeTestRequest,
};
use yunhai_model::HumanDuration;

use super::{Session, name_and_value, segment, shell_word};
use crate::client::Client;
use crate::output::{Format, optional, print_done, print_fields, print_json, print_rows, time};

/// What can be done with probes.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum ProbeCommand {
    /// List probes with their last results
    List {
        /// Text that the name, the target or a label must contain
        #[arg(long, short)]
        query: Option<String>,
        /// Only probes in this state: up, down, pending or paused
        #[arg(long)]
        state: Option<String>,
        /// The field to sort by, with - before it for descending
        #[arg(long, default_value = "name", allow_hyphen_values = true)]
        sort: String,
    },
    /// Show a probe
    Show {
        /// The probe's name or id
        probe: String,
    },
    /// Add a probe; it runs at once
    Add {
        /// The probe's name
        name: String,
        /// What to ask: tcp://host:port, tls://host:port, http://… or https://…
        target: String,
        #[command(flatten)]
        settings: SettingsArgs,
    },
    /// Change a probe; what is not given stays
    Set {
        /// The probe's name or id
        probe: String,
        /// Another name
        #[arg(long)]
        name: Option<String>,
        /// Another target
        #[arg(long)]
        target: Option<String>,
        #[command(flatten)]
        settings: SettingsArgs,
    },
    /// Run a probe now, or try a target without adding it, and show how it went
    Test {
        /// The probe's name or id, or a target such as https://example.com
        probe: String,
        #[command(flatten)]
        settings: SettingsArgs,
    },
    /// Delete a probe; what it measured stays
    Delete {
        /// The probe's name or id
        probe: String,
    },
}

/// How a target is asked, and which answer is right.
#[derive(Debug, clap::Args)]
pub(crate) struct SettingsArgs {
    /// How often it is asked, from 1s to 10m
    #[arg(long, value_name = "DURATION")]
    interval: Option<HumanDuration>,
    /// How long everything may take
    #[arg(long, value_name = "DURATION")]
    timeout: Option<HumanDuration>,
    /// The HTTP method: get, head, post, put or options
    #[arg(long)]
    method: Option<String>,
    /// An HTTP header to send, as NAME=VALUE; may be given several times
    #[arg(long = "header", value_name = "NAME=VALUE")]
    headers: Vec<String>,
    /// Read HTTP headers from the standard input, one NAME: VALUE a line, which keeps secrets off
    /// the command line
    #[arg(long)]
    headers_stdin: bool,
    /// The body to send; empty for none
    #[arg(long)]
    body: Option<String>,
    /// Which HTTP statuses are right, such as 200-299,401
    #[arg(long, value_name = "STATUSES")]
    expect_status: Option<String>,
    /// A regular expression that the body must match; empty for none
    #[arg(long, value_name = "REGEX")]
    expect_body: Option<String>,
    /// Whether to go where the answer redirects to
    #[arg(long, value_name = "BOOL")]
    follow_redirects: Option<bool>,
    /// Whether the certificate must be trusted
    #[arg(long, value_name = "BOOL")]
    verify_certificate: Option<bool>,
    /// A PEM file with a certificate to trust besides those of the server's system
    #[arg(long = "trust", value_name = "FILE")]
    trusted: Option<std::path::PathBuf>,
    /// A label for the series, as NAME=VALUE; may be given several times
    #[arg(long = "label", value_name = "NAME=VALUE")]
    labels: Vec<String>,
    /// Whether the probe runs
    #[arg(long, value_name = "BOOL")]
    enabled: Option<bool>,
}

impl SettingsArgs {
    /// Puts what was given into a request.
    fn apply(self, request: &mut ProbeRequest) -> anyhow::Result<()> {
        if let Some(interval) = self.interval {
            request.interval_secs = interval.0.as_secs();
        }
        if let Some(timeout) = self.timeout {
            request.timeout_ms = timeout.0.as_millis().try_into().unwrap_or(u64::MAX);
        }
        if let Some(method) = &self.method {
            request.method = method_of(method)?;
        }
        for (name, value) in pairs("--header", &self.headers)? {
            request.headers.insert(name, Some(value));
        }
        if self.headers_stdin {
            let mut text = String::new();
            std::io::stdin().take(1 << 20).read_to_string(&mut text)?;
            for line in text.lines().filter(|line| !line.trim().is_empty()) {
                let (name, value) = line
                    .split_once(':')
                    .context("a line of the standard input is not NAME: VALUE")?;
                let value = Some(value.trim().to_owned());
                request.headers.insert(name.trim().to_owned(), value);
            }
        }
        if let Some(body) = self.body {
            request.body = Some(body);
        }
        if let Some(statuses) = self.expect_status {
            request.expected_status = statuses;
        }
        if let Some(pattern) = self.expect_body {
            request.body_match = Some(pattern).filter(|pattern| !pattern.is_empty());
        }
        if let Some(follow) = self.follow_redirects {
            request.follow_redirects = follow;
        }
        if let Some(verify) = self.verify_certificate {
            request.verify_certificate = verify;
        }
        if let Some(path) = &self.trusted {
            let pem = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read the certificate {}", path.display()))?;
            request.ca_certificate_pem = Some(pem);
        }
        request.labels.extend(pairs("--label", &self.labels)?);
        if let Some(enabled) = self.enabled {
            request.enabled = enabled;
        }
        Ok(())
    }
}

/// Runs `yunhai probe …`.
pub(crate) async fn run(session: &Session, command: ProbeCommand) -> anyhow::Result<()> {
    let client = session.client().await?;
    match command {
        ProbeCommand::List { query, state, sort } => {
            let mut filter = vec![("sort", sort)];
            filter.extend(query.map(|text| ("q", text)));
            filter.extend(state.map(|state| ("state", state)));
            let probes: Vec<Probe> = client.list("api/v1/probes", &filter).await?;
            print_rows(
                session.format,
                &probes,
                [
                    "probe",
                    "state",
                    "target",
                    "interval",
                    "took",
                    "status",
                    "certificate ends",
                    "last asked",
                    "what is wrong",
                ],
                |probe| {
                    let last = probe.last.as_ref();
                    [
                        probe.name.clone(),
                        state_word(probe.state).to_owned(),
                        probe.target.clone(),
                        HumanDuration::from_secs(probe.interval_secs).to_string(),
                        last.map_or("–".to_owned(), |last| millis(last.duration_ms)),
                        last.and_then(|last| last.status)
                            .map_or("–".to_owned(), |status| status.to_string()),
                        last.map_or("–".to_owned(), certificate),
                        time(last.map(|last| last.at_ms)),
                        last.and_then(|last| last.message.clone())
                            .unwrap_or_default(),
                    ]
                },
            );
        }
        ProbeCommand::Show { probe } => show(session.format, &find(&client, &probe).await?),
        ProbeCommand::Add {
            name,
            target,
            settings,
        } => {
            let mut request = ProbeRequest::new(name, target);
            settings.apply(&mut request)?;
            let probe: Probe = client
                .send_json(Method::POST, "api/v1/probes", &request)
                .await?;
            let sentence = format!(
                "Added probe {}; see how it goes with `yunhai probe test {}`.",
                probe.name,
                shell_word(&probe.name)
            );
            print_done(session.format, &probe, &sentence);
        }
        ProbeCommand::Set {
            probe,
            name,
            target,
            settings,
        } => {
            let found = find(&client, &probe).await?;
            let path = format!("api/v1/probes/{}", segment(&found.id));
            let mut request = ProbeRequest::from(found);
            if let Some(name) = name {
                request.name = name;
            }
            if let Some(target) = target {
                request.target = target;
            }
            settings.apply(&mut request)?;
            let changed: Probe = client.send_json(Method::PUT, &path, &request).await?;
            let sentence = format!("Changed probe {}.", changed.name);
            print_done(session.format, &changed, &sentence);
        }
        ProbeCommand::Test { probe, settings } => {
            let result = test(&client, &probe, settings).await?;
            if session.format == Format::Json {
                print_json(&result);
            } else {
                show_result(session.format, &result);
            }
            if !result.ok {
                bail!(
                    "{probe} does not answer as it should: {}",
                    optional(result.message.as_deref())
                );
            }
        }
        ProbeCommand::Delete { probe } => {
            let found = find(&client, &probe).await?;
            client
                .delete(&format!("api/v1/probes/{}", segment(&found.id)))
                .await?;
            let sentence = format!("Deleted probe {}.", found.name);
            print_done(session.format, &(), &sentence);
        }
    }
    Ok(())
}

async fn test(client: &Client, probe: &str, settings: SettingsArgs) -> anyhow::Result<ProbeResult> {
    if !probe.contains("://") {
        let found = find(client, probe).await?;
        let path = format!("api/v1/probes/{}/run", segment(&found.id));
        return client.send_json(Method::POST, &path, &()).await;
    }
    let mut request = ProbeRequest::new("test", probe);
    settings.apply(&mut request)?;
    let request = ProbeTestRequest {
        probe: request,
        id: None,
    };
    client
        .send_json(Method::POST, "api/v1/probe-tests", &request)
        .await
}

fn show(format: Format, probe: &Probe) {
    let words = |map: &BTreeMap<String, String>| {
        map.iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let headers: Vec<&str> = probe.headers.keys().map(String::as_str).collect();
    let mut fields = vec![
        ("probe", probe.name.clone()),
        ("id", probe.id.clone()),
        ("state", state_word(probe.state).to_owned()),
        ("target", probe.target.clone()),
        (
            "interval",
            HumanDuration::from_secs(probe.interval_secs).to_string(),
        ),
        ("time limit", millis(probe.timeout_ms as f64)),
        ("method", format!("{:?}", probe.method).to_uppercase()),
        ("headers (values are secret)", headers.join(", ")),
        (
            "body",
            if probe.has_body { "secret" } else { "–" }.to_owned(),
        ),
        ("expected status", probe.expected_status.clone()),
        ("expected body", optional(probe.body_match.as_deref())),
        ("follows redirects", probe.follow_redirects.to_string()),
        (
            "certificate must be trusted",
            probe.verify_certificate.to_string(),
        ),
        ("labels", words(&probe.labels)),
    ];
    if let Some(last) = &probe.last {
        fields.extend(result_fields(last));
    }
    print_fields(format, probe, &fields);
}

fn show_result(format: Format, result: &ProbeResult) {
    print_fields(format, result, &result_fields(result));
}

fn result_fields(result: &ProbeResult) -> Vec<(&'static str, String)> {
    vec![
        ("asked", time(result.at_ms)),
        (
            "answers as it should",
            if result.ok { "yes" } else { "no" }.to_owned(),
        ),
        ("what is wrong", optional(result.message.as_deref())),
        ("took", millis(result.duration_ms)),
        (
            "HTTP status",
            result
                .status
                .map_or("–".to_owned(), |status| status.to_string()),
        ),
        (
            "body matches",
            result
                .body_matched
                .map_or("–".to_owned(), |matched| matched.to_string()),
        ),
        ("certificate ends", certificate(result)),
    ]
}

/// Finds a probe by its name or id.
async fn find(client: &Client, probe: &str) -> anyhow::Result<Probe> {
    let probes: Vec<Probe> = client.list("api/v1/probes", &[]).await?;
    probes
        .into_iter()
        .find(|candidate| candidate.id == probe || candidate.name == probe)
        .with_context(|| {
            format!("there is no probe `{probe}`\nhint: `yunhai probe list` shows them")
        })
}

fn pairs(option: &str, texts: &[String]) -> anyhow::Result<Vec<(String, String)>> {
    texts
        .iter()
        .map(|text| {
            let (name, value) = name_and_value(option, text)?;
            Ok((name.to_owned(), value.to_owned()))
        })
        .collect()
}

fn method_of(text: &str) -> anyhow::Result<ProbeMethod> {
    serde_json::from_value(text.to_uppercase().into())
        .with_context(|| format!("--method {text}: choose get, head, post, put or options"))
}

fn state_word(state: ProbeState) -> &'static str {
    match state {
        ProbeState::Up => "up",
        ProbeState::Down => "down",
        ProbeState::Pending => "pending",
        ProbeState::Paused => "paused",
    }
}

fn millis(duration_ms: f64) -> String {
    if duration_ms < 1000.0 {
        format!("{duration_ms:.1} ms")
    } else {
        format!("{:.2} s", duration_ms / 1000.0)
    }
}

/// When the certificate ends, and in how many days.
fn certificate(result: &ProbeResult) -> String {
    result
        .certificate_expires_ms
        .map_or("–".to_owned(), |expires_ms| {
            let days = (expires_ms - result.at_ms).div_euclid(86_400_000);
            format!("{} ({days} days)", time(expires_ms))
        })
}
