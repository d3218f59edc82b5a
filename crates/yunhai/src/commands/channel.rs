//! `yunhai channel …`: where notifications go.

use std::io::Read;

use anyhow::{Context, bail};
use reqwest::Method;
use yunhai_api_types::{Channel, ChannelRequest, ChannelTest};

use super::{Session, segment};
use crate::output::{optional, print_done, print_rows, time};

/// What can be done with channels.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum ChannelCommand {
    /// Add a channel
    Add {
        /// The channel's name
        #[arg(long)]
        name: String,
        /// email, webhook, dingtalk, wecom, feishu, slack or twilio
        #[arg(long)]
        kind: String,
        /// A setting, as NAME=VALUE; may be given several times
        #[arg(long = "set", value_name = "NAME=VALUE")]
        settings: Vec<String>,
        /// Read the settings as JSON from the standard input, which keeps secrets off the
        /// command line
        #[arg(long)]
        config_stdin: bool,
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

/// Runs `yunhai channel …`.
pub(crate) async fn run(session: &Session, command: ChannelCommand) -> anyhow::Result<()> {
    let client = session.client()?;
    match command {
        ChannelCommand::Add {
            name,
            kind,
            settings,
            config_stdin,
        } => {
            let mut config = serde_json::Map::new();
            if config_stdin {
                let mut text = String::new();
                std::io::stdin().take(1 << 20).read_to_string(&mut text)?;
                config = serde_json::from_str(&text)
                    .context("the standard input is not a JSON object")?;
            }
            for setting in settings {
                let (name, value) = setting
                    .split_once('=')
                    .with_context(|| format!("--set {setting}: write it as NAME=VALUE"))?;
                // `port=25` is a number and `to=["a@b"]` a list; anything else is a text.
                let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
                config.insert(name.to_owned(), value);
            }
            let request = ChannelRequest {
                name,
                kind,
                enabled: true,
                config: config.into(),
            };
            let channel: Channel = client
                .send_json(Method::POST, "api/v1/channels", &request)
                .await?;
            let sentence = format!(
                "Added channel {}; try it with `yunhai channel test {}`.",
                channel.name, channel.name
            );
            print_done(session.format, &channel, &sentence);
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
            let id = find(&client, &channel).await?;
            let path = format!("api/v1/channels/{}/test", segment(&id));
            let test: ChannelTest = client.send_json(Method::POST, &path, &()).await?;
            if !test.ok {
                bail!("channel {channel} refused the test: {}", test.answer);
            }
            let sentence = format!("Channel {channel} took the test: {}", test.answer);
            print_done(session.format, &test, &sentence);
        }
        ChannelCommand::Delete { channel } => {
            let id = find(&client, &channel).await?;
            client
                .delete(&format!("api/v1/channels/{}", segment(&id)))
                .await?;
            print_done(session.format, &(), &format!("Deleted channel {channel}."));
        }
    }
    Ok(())
}

/// Finds a channel by its name or id.
async fn find(client: &crate::client::Client, channel: &str) -> anyhow::Result<String> {
    let channels: Vec<Channel> = client.list("api/v1/channels", &[]).await?;
    channels
        .into_iter()
        .find(|candidate| candidate.id == channel || candidate.name == channel)
        .map(|found| found.id)
        .with_context(|| {
            format!("there is no channel `{channel}`\nhint: `yunhai channel list` shows them")
        })
}
