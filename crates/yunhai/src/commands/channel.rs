//! `yunhai channel …`: where notifications go.

use std::io::Read;

use anyhow::{Context, bail};
use reqwest::Method;
use serde_json::{Map, Value};
use yunhai_api_types::{
    Channel, ChannelPreview, ChannelPreviewRequest, ChannelRequest, ChannelTest, QuietHours,
};

use super::{Session, name_and_value, segment, shell_word};
use crate::output::{optional, print_done, print_fields, print_rows, time};

/// What can be done with channels.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum ChannelCommand {
    /// Add a channel
    #[command(after_help = "Examples:
  yunhai channel add --name ops --kind webhook \\
    --set url=https://hooks.example.com/yunhai
  yunhai channel add --name mail --kind email --config-stdin < mail.json
  yunhai channel add --name topic --kind pubsub \\
    --set topic=projects/my-project/topics/alerts \\
    --set-file service_account_key=key.json")]
    Add {
        /// The channel's name
        #[arg(long)]
        name: String,
        /// What kind of channel it is
        #[arg(long, value_parser = KINDS)]
        kind: String,
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        message: Message,
        #[command(flatten)]
        quiet: Box<Quiet>,
    },
    /// Change a channel; what is not given stays, secrets too
    #[command(after_help = "Examples:
  yunhai channel edit ops --set url=https://hooks.example.com/new
  yunhai channel edit ops --disable
  yunhai channel edit ops --quiet 22:00-08:00 --quiet-zone Asia/Shanghai
  yunhai channel edit mail --unset reply_to --name operators")]
    Edit {
        /// The channel's name or id
        channel: String,
        /// Another name
        #[arg(long)]
        name: Option<String>,
        /// Use it again
        #[arg(long, conflicts_with = "disable")]
        enable: bool,
        /// Use it no more
        #[arg(long)]
        disable: bool,
        #[command(flatten)]
        settings: Settings,
        /// A setting to remove; may be given several times
        #[arg(long, value_name = "NAME")]
        unset: Vec<String>,
        #[command(flatten)]
        message: Message,
        #[command(flatten)]
        quiet: Box<Quiet>,
    },
    /// Show how a sample alert reads on a channel, with its templates or with others
    #[command(after_help = "Examples:
  yunhai channel preview ops
  yunhai channel preview ops --language zh-CN \\
    --title-template '{{ .CommonLabels.alertname }}: {{ len .Alerts.Firing }}'")]
    Preview {
        /// The channel's name or id
        channel: String,
        #[command(flatten)]
        message: Message,
    },
    /// Show a channel; secrets are not shown
    Show {
        /// The channel's name or id
        channel: String,
    },
    /// List channels
    List,
    /// Send a test and show the real answer
    Test {
        /// The channel's name or id
        channel: String,
    },
    /// Delete a channel
    Delete {
        /// The channel's name or id
        channel: String,
    },
}

/// The kinds of channels.
const KINDS: [&str; 12] = [
    "email",
    "webhook",
    "dingtalk",
    "wecom",
    "feishu",
    "slack",
    "twilio",
    "ses",
    "sns",
    "acs_email",
    "acs_sms",
    "pubsub",
];

/// Settings of a channel.
#[derive(Debug, clap::Args)]
#[allow(clippy::struct_field_names)] // The names of the options.
pub(crate) struct Settings {
    /// A setting, as NAME=VALUE; may be given several times
    #[arg(long = "set", value_name = "NAME=VALUE")]
    settings: Vec<String>,
    /// A setting whose text stands in a file, as NAME=PATH, such as a key; may be given several times
    #[arg(long = "set-file", value_name = "NAME=PATH")]
    files: Vec<String>,
    /// Read the settings as JSON from the standard input, which keeps secrets off the command line
    #[arg(long)]
    config_stdin: bool,
}

/// What the messages of a channel say.
#[derive(Debug, clap::Args)]
pub(crate) struct Message {
    /// The language of the messages, en or zh-CN; an empty text for the server's
    #[arg(long)]
    language: Option<String>,
    /// The template of the title; an empty text for the usual title
    #[arg(long, value_name = "TEMPLATE")]
    title_template: Option<String>,
    /// The template of what stands below the title; an empty text for the usual one
    #[arg(long, value_name = "TEMPLATE", conflicts_with = "body_template_file")]
    body_template: Option<String>,
    /// A file with the template of what stands below the title; - for the standard input
    #[arg(long, value_name = "FILE")]
    body_template_file: Option<std::path::PathBuf>,
}

/// When only what is severe is told at once.
#[derive(Debug, clap::Args)]
#[allow(clippy::struct_field_names)] // The names of the options.
pub(crate) struct Quiet {
    /// Quiet hours: hold back what is not severe, and tell it in one summary afterwards
    #[arg(long, value_name = "FROM-UNTIL", value_parser = parse_hours)]
    quiet: Option<(String, String)>,
    /// The time zone of --quiet, such as Asia/Shanghai; default: that of this machine
    #[arg(long, value_name = "ZONE", requires = "quiet")]
    quiet_zone: Option<String>,
    /// The days on which quiet hours begin, from 1 for Monday to 7 for Sunday: 1,2,3,4,5
    #[arg(long, value_name = "DAYS", requires = "quiet", value_delimiter = ',')]
    quiet_days: Vec<i8>,
    /// The severities that come through all the same
    #[arg(
        long,
        value_name = "SEVERITIES",
        requires = "quiet",
        value_delimiter = ',',
        default_value = "critical"
    )]
    quiet_except: Vec<String>,
    /// Have no quiet hours any more
    #[arg(long, conflicts_with = "quiet")]
    no_quiet: bool,
}

impl Quiet {
    /// Returns the quiet hours as given, or else as they were.
    fn over(self, before: Option<QuietHours>) -> Option<QuietHours> {
        match self.quiet {
            Some((from, until)) => Some(QuietHours {
                time_zone: self
                    .quiet_zone
                    .unwrap_or_else(super::window::zone_of_this_machine),
                weekdays: self.quiet_days,
                from,
                until,
                let_through: self.quiet_except,
            }),
            None if self.no_quiet => None,
            None => before,
        }
    }
}

fn parse_hours(text: &str) -> Result<(String, String), String> {
    let (from, until) = text.split_once('-').ok_or("write it like 22:00-08:00")?;
    Ok((from.trim().to_owned(), until.trim().to_owned()))
}

impl Message {
    /// Returns language, title and body, each as given or else as it was.
    fn over(
        self,
        language: Option<String>,
        title: Option<String>,
        body: Option<String>,
    ) -> anyhow::Result<[Option<String>; 3]> {
        let file = self.body_template_file.as_deref();
        let read = file.map(super::read_file_or_stdin).transpose()?;
        Ok([
            self.language.or(language),
            self.title_template.or(title),
            self.body_template.or(read).or(body),
        ])
    }
}

impl Settings {
    fn read(&self) -> anyhow::Result<Map<String, Value>> {
        let mut config = Map::new();
        if self.config_stdin {
            let mut text = String::new();
            std::io::stdin().take(1 << 20).read_to_string(&mut text)?;
            config =
                serde_json::from_str(&text).context("the standard input is not a JSON object")?;
        }
        for setting in &self.settings {
            let (name, value) = name_and_value("--set", setting)?;
            // `port=25` is a number and `to=["a@b"]` a list; anything else is a text.
            let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
            config.insert(name.to_owned(), value);
        }
        for setting in &self.files {
            let (name, path) = name_and_value("--set-file", setting)?;
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read {path} for `{name}`"))?;
            config.insert(name.to_owned(), text.trim_end().into());
        }
        Ok(config)
    }
}

/// Runs `yunhai channel …`.
pub(crate) async fn run(session: &Session, command: ChannelCommand) -> anyhow::Result<()> {
    let client = session.client().await?;
    match command {
        ChannelCommand::Add {
            name,
            kind,
            settings,
            message,
            quiet,
        } => {
            let [language, title_template, body_template] = message.over(None, None, None)?;
            let request = ChannelRequest {
                name,
                kind,
                enabled: true,
                config: settings.read()?.into(),
                language,
                title_template,
                body_template,
                quiet_hours: quiet.over(None),
            };
            let channel: Channel = client
                .send_json(Method::POST, "api/v1/channels", &request)
                .await?;
            let sentence = format!(
                "Added channel {}; try it with `yunhai channel test {}`.",
                channel.name,
                shell_word(&channel.name)
            );
            print_done(session.format, &channel, &sentence);
        }
        ChannelCommand::Edit {
            channel,
            name,
            enable,
            disable,
            settings,
            unset,
            message,
            quiet,
        } => {
            let before = find(&client, &channel).await?;
            // Secrets are `null` in what the server tells, and `null` leaves them as they are.
            let mut config = before.config.as_object().cloned().unwrap_or_default();
            config.extend(settings.read()?);
            for name in &unset {
                config
                    .remove(name)
                    .with_context(|| format!("channel {} has no setting `{name}`", before.name))?;
            }
            let [language, title_template, body_template] =
                message.over(before.language, before.title_template, before.body_template)?;
            let request = ChannelRequest {
                name: name.unwrap_or(before.name),
                kind: before.kind,
                enabled: enable || (before.enabled && !disable),
                config: config.into(),
                language,
                title_template,
                body_template,
                quiet_hours: quiet.over(before.quiet_hours),
            };
            let path = format!("api/v1/channels/{}", segment(&before.id));
            let after: Channel = client.send_json(Method::PUT, &path, &request).await?;
            let sentence = format!("Changed channel {}.", after.name);
            print_done(session.format, &after, &sentence);
        }
        ChannelCommand::Preview { channel, message } => {
            let found = find(&client, &channel).await?;
            let [language, title_template, body_template] =
                message.over(found.language, found.title_template, found.body_template)?;
            let request = ChannelPreviewRequest {
                kind: found.kind,
                language,
                title_template,
                body_template,
            };
            let path = "api/v1/channels/preview";
            let preview: ChannelPreview = client.send_json(Method::POST, path, &request).await?;
            let text = format!("{}\n\n{}", preview.title, preview.body);
            print_done(session.format, &preview, &text);
        }
        ChannelCommand::Show { channel } => {
            let found = find(&client, &channel).await?;
            let mut fields = vec![
                ("id", found.id.clone()),
                ("name", found.name.clone()),
                ("kind", found.kind.clone()),
                ("enabled", found.enabled.to_string()),
                ("language", optional(found.language.as_deref())),
                ("title template", optional(found.title_template.as_deref())),
                ("body template", optional(found.body_template.as_deref())),
                ("quiet hours", quiet_text(found.quiet_hours.as_ref())),
                ("last used", time(found.last_used_ms)),
                ("last result", optional(found.last_result.as_deref())),
            ];
            let config = found.config.as_object().cloned().unwrap_or_default();
            fields.extend(config.iter().map(|(name, value)| {
                let value = match value {
                    Value::Null => "(secret)".to_owned(),
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                (name.as_str(), value)
            }));
            print_fields(session.format, &found, &fields);
        }
        ChannelCommand::List => {
            let channels: Vec<Channel> = client.list("api/v1/channels", &[]).await?;
            print_rows(
                session.format,
                &channels,
                ["id", "name", "kind", "enabled", "last used", "last result"],
                |channel| {
                    [
                        channel.id.clone(),
                        channel.name.clone(),
                        channel.kind.clone(),
                        channel.enabled.to_string(),
                        time(channel.last_used_ms),
                        optional(channel.last_result.as_deref()),
                    ]
                },
            );
        }
        ChannelCommand::Test { channel } => {
            let found = find(&client, &channel).await?;
            let path = format!("api/v1/channels/{}/test", segment(&found.id));
            let test: ChannelTest = client.send_json(Method::POST, &path, &()).await?;
            if !test.ok {
                bail!("channel {channel} refused the test: {}", test.answer);
            }
            let sentence = format!("Channel {channel} took the test: {}", test.answer);
            print_done(session.format, &test, &sentence);
        }
        ChannelCommand::Delete { channel } => {
            let found = find(&client, &channel).await?;
            client
                .delete(&format!("api/v1/channels/{}", segment(&found.id)))
                .await?;
            print_done(session.format, &(), &format!("Deleted channel {channel}."));
        }
    }
    Ok(())
}

fn quiet_text(quiet: Option<&QuietHours>) -> String {
    let Some(quiet) = quiet else {
        return "none".to_owned();
    };
    let days: Vec<String> = quiet.weekdays.iter().map(ToString::to_string).collect();
    let days = if days.is_empty() {
        "every day".to_owned()
    } else {
        format!("days {}", days.join(","))
    };
    format!(
        "{}-{} {}, {days}, except {}",
        quiet.from,
        quiet.until,
        quiet.time_zone,
        quiet.let_through.join(",")
    )
}

/// Finds a channel by its name or id.
async fn find(client: &crate::client::Client, channel: &str) -> anyhow::Result<Channel> {
    let channels: Vec<Channel> = client.list("api/v1/channels", &[]).await?;
    channels
        .into_iter()
        .find(|candidate| candidate.id == channel || candidate.name == channel)
        .with_context(|| {
            format!("there is no channel `{channel}`\nhint: `yunhai channel list` shows them")
        })
}
