//! `yunhai agent-token …`: tokens with which machines join.

use std::collections::BTreeMap;
use std::io::Write;

use reqwest::Method;
use yunhai_api_types::{
    CreateEnrolmentTokenRequest, CreatedEnrolmentToken, EnrolmentToken, JoinInfo,
};
use yunhai_model::HumanDuration;

use super::{Session, name_and_value, segment, shell_word};
use crate::output::{Format, print_done, print_rows, time};

const PATH: &str = "api/v1/agents/enrolment-tokens";

/// What can be done with enrolment tokens.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum AgentTokenCommand {
    /// Make a token with which machines join; its text is shown once
    #[command(after_help = "Examples:
  yunhai agent-token create
  yunhai agent-token create --name autoscaling --unlimited --for 90d \\
    --tag team=web")]
    Create {
        /// What it is for
        #[arg(long, default_value = "agents")]
        name: String,
        /// For how long machines can join with it
        #[arg(long = "for", value_name = "DURATION", default_value = "1d")]
        duration: HumanDuration,
        /// How many machines may join with it
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
        uses: u32,
        /// Let any number of machines join with it
        #[arg(long, conflicts_with = "uses")]
        unlimited: bool,
        /// What the machines are tagged with, as NAME=VALUE; may be given several times
        #[arg(long = "tag", value_name = "NAME=VALUE")]
        tags: Vec<String>,
    },
    /// List enrolment tokens, those among them that are used up or have expired
    List,
    /// Revoke an enrolment token; machines that have joined with it stay
    Revoke {
        /// The token's id
        id: String,
    },
}

/// Runs `yunhai agent-token …`.
pub(crate) async fn run(session: &Session, command: AgentTokenCommand) -> anyhow::Result<()> {
    let client = session.client().await?;
    match command {
        AgentTokenCommand::Create {
            name,
            duration,
            uses,
            unlimited,
            tags,
        } => {
            let now_ms = jiff::Timestamp::now().as_millisecond();
            let mut given = BTreeMap::new();
            for tag in &tags {
                let (name, value) = name_and_value("--tag", tag)?;
                given.insert(name.to_owned(), value.to_owned());
            }
            let request = CreateEnrolmentTokenRequest {
                name,
                expires_at_ms: Some(now_ms + duration.as_millis()),
                uses: (!unlimited).then_some(uses),
                tags: given,
            };
            let join: JoinInfo = client.get("api/v1/agents/join", &[]).await?;
            let created: CreatedEnrolmentToken =
                client.send_json(Method::POST, PATH, &request).await?;
            print_done(session.format, &created, &created.token);
            let server = join.server.clone().or_else(|| client.address());
            tell(session.format, &created, &join, server.as_deref());
        }
        AgentTokenCommand::List => {
            let tokens: Vec<EnrolmentToken> = client.list(PATH, &[]).await?;
            print_rows(
                session.format,
                &tokens,
                ["id", "name", "state", "joined", "ends", "by", "tags"],
                |token| {
                    let most = token.uses.map_or("any".to_owned(), |uses| uses.to_string());
                    let tags = token.tags.iter();
                    let tags: Vec<String> =
                        tags.map(|(key, value)| format!("{key}={value}")).collect();
                    [
                        token.id.clone(),
                        token.name.clone(),
                        token.state.as_str().replace('_', " "),
                        format!("{} of {most}", token.used),
                        time(token.expires_at_ms),
                        token.created_by.clone(),
                        tags.join(" "),
                    ]
                },
            );
        }
        AgentTokenCommand::Revoke { id } => {
            client.delete(&format!("{PATH}/{}", segment(&id))).await?;
            print_done(
                session.format,
                &(),
                &format!("Revoked enrolment token {id}."),
            );
        }
    }
    Ok(())
}

/// Tells when a token ends and how a machine joins with it, beside the standard output, which is the
/// token's alone.
fn tell(format: Format, created: &CreatedEnrolmentToken, join: &JoinInfo, server: Option<&str>) {
    let ends = time(created.entry.expires_at_ms);
    let mut said = format!("Machines can join with it until {ends}.");
    if let Some(server) = server
        && format == Format::Table
    {
        let command = join_command(server, &created.token, join.pin.as_deref());
        said = format!("{said} On the machine, as root:\n  {command}");
    }
    let _ = writeln!(std::io::stderr(), "{said}");
}

/// Writes the one line that lets a machine join. A certificate that the server has made itself is known
/// by the hash of its key.
fn join_command(server: &str, token: &str, pin: Option<&str>) -> String {
    let server = server.trim_end_matches('/');
    let (curl, pinned) = match pin {
        Some(pin) => (
            format!("curl -fsSLk --pinnedpubkey {pin}"),
            format!(" --pin {pin}"),
        ),
        None => ("curl -fsSL".to_owned(), String::new()),
    };
    let server = shell_word(server);
    format!("{curl} {server}/install.sh | sh -s -- --server {server} --token {token}{pinned}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_pins_a_certificate_of_the_servers_own() {
        let plain = join_command("https://yunhai.example.com/", "ye_1", None);
        let server = "https://yunhai.example.com";
        assert_eq!(
            plain,
            format!("curl -fsSL {server}/install.sh | sh -s -- --server {server} --token ye_1")
        );
        let pinned = join_command(server, "ye_1", Some("sha256//abc="));
        assert_eq!(
            pinned,
            format!(
                "curl -fsSLk --pinnedpubkey sha256//abc= {server}/install.sh | sh -s -- \
                 --server {server} --token ye_1 --pin sha256//abc="
            )
        );
    }
}
