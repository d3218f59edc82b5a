//! `yunhai channel …`: where notifications go.

use std::io::Read;

use anyhow::{Context, bail};
use reqwest::Method;
use serde_json::{Map, Value};
use yunhai_api_types::{Channel, ChannelRequest, ChannelTest};

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
    },
    /// Change a channel; what is not given stays, secrets too
    #[command(after_help = "Examples:
  yunhai channel edit ops --set url=https://hooks.example.com/new
  yunhai channel edit ops --disable
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
            config.insert(name.to_owned(), text.into());
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
        } => {
            let request = ChannelRequest {
                name,
                kind,
                enabled: true,
                config: settings.read()?.into(),
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
            let request = ChannelRequest {
                name: name.unwrap_or(before.name),
                kind: before.kind,
                enabled: enable || (before.enabled && !disable),
                config: config.into(),
            };
            let path = format!("api/v1/channels/{}", segment(&before.id));
            let after: Channel = client.send_json(Method::PUT, &path, &request).await?;
            let sentence = format!("Changed channel {}.", after.name);
            print_done(session.format, &after, &sentence);
        }
        ChannelCommand::Show { channel } => {
            let found = find(&client, &channel).await?;
            let mut fields = vec![
                ("id", found.id.clone()),
                ("name", found.name.clone()),
                ("kind", found.kind.clone()),
                ("enabled", found.enabled.to_string()),
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
