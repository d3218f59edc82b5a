//! `yunhai alert …`: what fires, and who is on it.

use std::process::ExitCode;

use reqwest::Method;
use yunhai_api_types::{AcknowledgeRequest, Alert, AlertDetail, CommentRequest};

use super::inhibition::InhibitionCommand;
use super::route::RouteCommand;
use super::rule::RuleCommand;
use super::silence::SilenceCommand;
use super::window::WindowCommand;
use super::{Session, segment};
use crate::output::{optional, print_done, print_fields, print_rows, time, word};

/// What can be done with alerts.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum AlertCommand {
    /// List alerts
    #[command(after_help = "Examples:
  yunhai alert list
  yunhai alert list --state firing --severity critical --on web-1
  yunhai alert list --state all --format json")]
    List {
        /// Only alerts in this state; active is all but the resolved
        #[arg(long, default_value = "active",
            value_parser = ["active", "pending", "firing", "acknowledged", "resolved", "all"])]
        state: String,
        /// Only alerts of this severity
        #[arg(long)]
        severity: Option<String>,
        /// Only alerts of this server
        #[arg(long = "on", value_name = "SERVER")]
        on: Option<String>,
    },
    /// Show an alert with what happened to it
    Show {
        /// The alert's id
        id: String,
    },
    /// Say that you are on it, which ends its escalation and repeats
    Ack {
        /// The alert's id
        id: String,
        /// What you want to say
        #[arg(long, short, default_value = "")]
        comment: String,
    },
    /// Take back that you are on it
    Unack {
        /// The alert's id
        id: String,
    },
    /// Say something on an alert, which its timeline keeps
    Comment {
        /// The alert's id
        id: String,
        /// What you want to say
        comment: String,
    },
    /// Silences
    #[command(subcommand)]
    Silence(SilenceCommand),
    /// Maintenance windows: times that come back in which alerts do not notify
    #[command(subcommand)]
    Window(WindowCommand),
    /// Rules
    #[command(subcommand)]
    Rule(RuleCommand),
    /// Routes from alerts to channels
    #[command(subcommand)]
    Route(RouteCommand),
    /// Alerts that hold others back while they fire
    #[command(subcommand)]
    Inhibition(InhibitionCommand),
}

/// Runs `yunhai alert …`.
pub(crate) async fn run(session: &Session, command: AlertCommand) -> anyhow::Result<ExitCode> {
    match command {
        AlertCommand::List {
            state,
            severity,
            on,
        } => {
            let mut filter = Vec::new();
            if state != "all" {
                filter.push(("state", state));
            }
            filter.extend(severity.map(|severity| ("severity", severity)));
            filter.extend(on.map(|server| ("server", server)));
            let alerts: Vec<Alert> = session
                .client()
                .await?
                .list("api/v1/alerts", &filter)
                .await?;
            print_rows(
                session.format,
                &alerts,
                ["id", "state", "severity", "rule", "about", "since"],
                |alert| {
                    [
                        alert.id.clone(),
                        word(&alert.state),
                        alert.severity.clone(),
                        alert.rule.clone(),
                        alert
                            .annotations
                            .get("summary")
                            .cloned()
                            .unwrap_or_else(|| about(alert)),
                        time(alert.started_at_ms),
                    ]
                },
            );
        }
        AlertCommand::Show { id } => {
            let path = format!("api/v1/alerts/{}", segment(&id));
            let detail: AlertDetail = session.client().await?.get(&path, &[]).await?;
            let alert = &detail.alert;
            let mut fields = vec![
                ("id", alert.id.clone()),
                ("rule", alert.rule.clone()),
                ("state", word(&alert.state)),
                ("severity", alert.severity.clone()),
                ("about", about(alert)),
            ];
            for (name, title) in [
                ("summary", "summary"),
                ("description", "description"),
                ("runbook_url", "runbook"),
            ] {
                let text = alert.annotations.get(name);
                fields.extend(text.map(|text| (title, text.clone())));
            }
            fields.extend([
                ("expression", optional(detail.expr.as_deref())),
                ("why", optional(detail.why.as_deref())),
                ("since", time(alert.started_at_ms)),
                ("firing since", time(alert.fired_at_ms)),
                ("resolved", time(alert.resolved_at_ms)),
            ]);
            if !alert.muted_by.is_empty() {
                fields.push(("muted by", muted_by(alert)));
            }
            fields.extend(alert.acknowledged.as_ref().map(|acknowledged| {
                (
                    "acknowledged",
                    format!(
                        "{} by {} {}",
                        time(acknowledged.at_ms),
                        acknowledged.by,
                        acknowledged.comment
                    ),
                )
            }));
            fields.extend(detail.timeline.iter().map(|event| {
                (
                    "·",
                    format!("{} {} {}", time(event.time_ms), event.kind, event.detail),
                )
            }));
            print_fields(session.format, &detail, &fields);
        }
        AlertCommand::Ack { id, comment } => {
            let path = format!("api/v1/alerts/{}/acknowledge", segment(&id));
            let alert: serde_json::Value = session
                .client()
                .await?
                .send_json(Method::POST, &path, &AcknowledgeRequest { comment })
                .await?;
            print_done(session.format, &alert, &format!("You are on alert {id}."));
        }
        AlertCommand::Unack { id } => {
            let path = format!("api/v1/alerts/{}/acknowledge", segment(&id));
            session.client().await?.delete(&path).await?;
            let sentence = format!("Nobody is on alert {id} any more.");
            print_done(session.format, &(), &sentence);
        }
        AlertCommand::Comment { id, comment } => {
            let path = format!("api/v1/alerts/{}/comments", segment(&id));
            let answer: serde_json::Value = session
                .client()
                .await?
                .send_json(Method::POST, &path, &CommentRequest { comment })
                .await?;
            print_done(session.format, &answer, "The alert's timeline has it.");
        }
        AlertCommand::Route(command) => super::route::run(session, command).await?,
        AlertCommand::Inhibition(command) => super::inhibition::run(session, command).await?,
        AlertCommand::Window(command) => super::window::run(session, command).await?,
        AlertCommand::Silence(command) => super::silence::run(session, command).await?,
        AlertCommand::Rule(command) => return super::rule::run(session, command).await,
    }
    Ok(ExitCode::SUCCESS)
}

/// What holds the notifications of an alert back, in the words of the commands that show it.
fn muted_by(alert: &Alert) -> String {
    let mutings = alert.muted_by.iter().map(|muting| {
        let kind = match muting.kind.as_str() {
            "maintenance" => "window",
            "inhibition" => "alert",
            kind => kind,
        };
        format!("{kind} {}", muting.id)
    });
    mutings.collect::<Vec<_>>().join("\n")
}

fn about(alert: &Alert) -> String {
    alert
        .labels
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "alertname" | "severity"))
        .map(|(name, value)| format!("{name}={value}"))
        .collect::<Vec<_>>()
        .join(" ")
}
