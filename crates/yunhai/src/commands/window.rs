//! `yunhai alert window …`: times that come back in which alerts do not notify.

use anyhow::bail;
use reqwest::Method;
use yunhai_api_types::{LabelMatcher, MaintenanceWindow, MaintenanceWindowSpec};
use yunhai_model::HumanDuration;

use super::silence::{matchers_text, parse_matcher};
use super::{Session, moment_ms, segment};
use crate::client::Client;
use crate::output::{print_done, print_rows, time};

/// What can be done with maintenance windows.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum WindowCommand {
    /// Hold back the notifications of alerts that match, again and again
    #[command(after_help = "Examples:
  yunhai alert window add --name backup --cron '0 2 * * *' --for 1h server=db-1
  yunhai alert window add --name patches --cron '0 22 * * 6' --for 4h \\
    --time-zone Asia/Shanghai --comment 'all are restarted'")]
    Add {
        /// What alerts must match: server=web-1, severity!=critical, server=~web-.*; none: all
        #[arg(value_name = "MATCHER", value_parser = parse_matcher)]
        matchers: Vec<LabelMatcher>,
        /// What it is for
        #[arg(long)]
        name: String,
        /// When it opens: minute, hour, day, month, day of the week
        #[arg(long, value_name = "CRON")]
        cron: String,
        /// For how long: 30m, 2h, 1d
        #[arg(long = "for", value_name = "DURATION", default_value = "2h")]
        duration: HumanDuration,
        /// The time zone of --cron, such as Asia/Shanghai; default: that of this machine
        #[arg(long, value_name = "ZONE")]
        time_zone: Option<String>,
        /// When it stops coming back: RFC 3339 or Unix seconds; default: never
        #[arg(long, value_name = "TIME", value_parser = moment_ms)]
        until: Option<i64>,
        /// Why
        #[arg(long, short, default_value = "")]
        comment: String,
    },
    /// List maintenance windows
    List {
        /// Only windows that are open now (true), or only the others (false)
        #[arg(long)]
        active: Option<bool>,
    },
    /// Change a maintenance window; what is not given stays
    #[command(after_help = "Examples:
  yunhai alert window edit backup --for 2h
  yunhai alert window edit backup --match 'server=~db-.*' --enabled false")]
    Edit(Box<EditArgs>),
    /// Delete a maintenance window
    Delete {
        /// The window's name or id
        window: String,
    },
}

/// What is changed of a window.
#[derive(Debug, clap::Args)]
pub(crate) struct EditArgs {
    /// The window's name or id
    window: String,
    /// What alerts must match from now on; may be given several times
    #[arg(long = "match", value_name = "MATCHER", value_parser = parse_matcher)]
    matchers: Vec<LabelMatcher>,
    /// Hold back all alerts from now on
    #[arg(long, conflicts_with = "matchers")]
    all: bool,
    /// What it is for
    #[arg(long)]
    name: Option<String>,
    /// When it opens: minute, hour, day, month, day of the week
    #[arg(long, value_name = "CRON")]
    cron: Option<String>,
    /// For how long: 30m, 2h, 1d
    #[arg(long = "for", value_name = "DURATION")]
    duration: Option<HumanDuration>,
    /// The time zone of --cron, such as Asia/Shanghai
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// When it stops coming back: RFC 3339 or Unix seconds
    #[arg(long, value_name = "TIME", value_parser = moment_ms)]
    until: Option<i64>,
    /// Let it come back for ever
    #[arg(long, conflicts_with = "until")]
    forever: bool,
    /// Why
    #[arg(long, short)]
    comment: Option<String>,
    /// Whether it is in force
    #[arg(long, value_name = "BOOL")]
    enabled: Option<bool>,
}

impl EditArgs {
    fn apply(self, before: MaintenanceWindowSpec) -> MaintenanceWindowSpec {
        MaintenanceWindowSpec {
            name: self.name.unwrap_or(before.name),
            cron: self.cron.unwrap_or(before.cron),
            duration_secs: self
                .duration
                .map_or(before.duration_secs, |duration| duration.0.as_secs()),
            time_zone: self.time_zone.unwrap_or(before.time_zone),
            matchers: if self.all || !self.matchers.is_empty() {
                self.matchers
            } else {
                before.matchers
            },
            comment: self.comment.unwrap_or(before.comment),
            enabled: self.enabled.unwrap_or(before.enabled),
            ends_at_ms: if self.forever {
                None
            } else {
                self.until.or(before.ends_at_ms)
            },
        }
    }
}

/// Runs `yunhai alert window …`.
pub(crate) async fn run(session: &Session, command: WindowCommand) -> anyhow::Result<()> {
    let client = session.client().await?;
    let path = |id: &str| format!("api/v1/maintenance-windows/{}", segment(id));
    match command {
        WindowCommand::Add {
            matchers,
            name,
            cron,
            duration,
            time_zone,
            until,
            comment,
        } => {
            let spec = MaintenanceWindowSpec {
                name,
                cron,
                duration_secs: duration.0.as_secs(),
                time_zone: time_zone.unwrap_or_else(zone_of_this_machine),
                matchers,
                comment,
                enabled: true,
                ends_at_ms: until,
            };
            let window: MaintenanceWindow = client
                .send_json(Method::POST, "api/v1/maintenance-windows", &spec)
                .await?;
            print_done(session.format, &window, &sentence(&window));
        }
        WindowCommand::Edit(args) => {
            let before = find(&client, &args.window).await?;
            let spec = args.apply(before.spec);
            let window: MaintenanceWindow = client
                .send_json(Method::PUT, &path(&before.id), &spec)
                .await?;
            print_done(session.format, &window, &sentence(&window));
        }
        WindowCommand::List { active } => {
            let filter: Vec<_> = active
                .map(|active| ("active", active.to_string()))
                .into_iter()
                .collect();
            let windows: Vec<MaintenanceWindow> =
                client.list("api/v1/maintenance-windows", &filter).await?;
            print_windows(session, &windows);
        }
        WindowCommand::Delete { window } => {
            let found = find(&client, &window).await?;
            client.delete(&path(&found.id)).await?;
            let sentence = format!("Deleted maintenance window {}.", found.spec.name);
            print_done(session.format, &(), &sentence);
        }
    }
    Ok(())
}

fn print_windows(session: &Session, windows: &[MaintenanceWindow]) {
    print_rows(
        session.format,
        windows,
        [
            "id", "name", "state", "opens at", "for", "matchers", "next", "by", "comment",
        ],
        |window| {
            let spec = &window.spec;
            [
                window.id.clone(),
                spec.name.clone(),
                state(window).to_owned(),
                format!("{} {}", spec.cron, spec.time_zone),
                HumanDuration::from_secs(spec.duration_secs).to_string(),
                matchers_text(&spec.matchers),
                time(window.next_start_ms),
                window.created_by.clone(),
                spec.comment.clone(),
            ]
        },
    );
}

fn state(window: &MaintenanceWindow) -> &'static str {
    match (window.spec.enabled, window.active, window.next_start_ms) {
        (false, ..) => "off",
        (true, true, _) => "open",
        (true, false, Some(_)) => "waiting",
        (true, false, None) => "over",
    }
}

fn sentence(window: &MaintenanceWindow) -> String {
    let name = &window.spec.name;
    match state(window) {
        "off" => format!("Maintenance window {name} is off."),
        "open" => format!("Maintenance window {name} is open now."),
        "over" => format!("Maintenance window {name} does not open any more."),
        _ => format!(
            "Maintenance window {name} opens {}.",
            time(window.next_start_ms)
        ),
    }
}

/// Finds a window by its id, or by its name where no other has it.
async fn find(client: &Client, window: &str) -> anyhow::Result<MaintenanceWindow> {
    let windows: Vec<MaintenanceWindow> = client.list("api/v1/maintenance-windows", &[]).await?;
    let mut found: Vec<_> = windows
        .into_iter()
        .filter(|candidate| candidate.id == window || candidate.spec.name == window)
        .collect();
    match (found.pop(), found.is_empty()) {
        (Some(found), true) => Ok(found),
        (Some(_), false) => bail!(
            "there are several maintenance windows `{window}`\n\
             hint: name the one by its id, which `yunhai alert window list` shows"
        ),
        (None, _) => bail!(
            "there is no maintenance window `{window}`\n\
             hint: `yunhai alert window list` shows them"
        ),
    }
}

pub(super) fn zone_of_this_machine() -> String {
    jiff::tz::TimeZone::system()
        .iana_name()
        .unwrap_or("UTC")
        .to_owned()
}
