//! `yunhai alert inhibition …`: alerts that hold others back while they fire.

use reqwest::Method;
use yunhai_api_types::{Inhibition, InhibitionSpec, LabelMatcher};

use super::silence::{matchers_text, parse_matcher};
use super::{Session, segment};
use crate::output::{print_done, print_rows};

/// What can be done with inhibitions.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum InhibitionCommand {
    /// Hold alerts back while others fire
    #[command(
        after_help = "Example: while a server is down, tell of nothing else of it
  yunhai alert inhibition add --name down \\
    --source alertname=ServerDown --target 'severity=~warning|info' \\
    --equal server"
    )]
    Add {
        /// What it is for
        #[arg(long)]
        name: String,
        /// What the alerts that hold others back match; may be given several times
        #[arg(long, required = true, value_name = "MATCHER", value_parser = parse_matcher)]
        source: Vec<LabelMatcher>,
        /// What the alerts that are held back match; may be given several times
        #[arg(long, required = true, value_name = "MATCHER", value_parser = parse_matcher)]
        target: Vec<LabelMatcher>,
        /// A label that must have the same value in both; may be given several times
        #[arg(long, value_name = "LABEL")]
        equal: Vec<String>,
    },
    /// List inhibitions
    List,
    /// Switch an inhibition on
    Enable {
        /// The inhibition's id
        id: String,
    },
    /// Switch an inhibition off
    Disable {
        /// The inhibition's id
        id: String,
    },
    /// Delete an inhibition
    Delete {
        /// The inhibition's id
        id: String,
    },
}

/// Runs `yunhai alert inhibition …`.
pub(crate) async fn run(session: &Session, command: InhibitionCommand) -> anyhow::Result<()> {
    let client = session.client().await?;
    let path = |id: &str| format!("api/v1/inhibitions/{}", segment(id));
    match command {
        InhibitionCommand::Add {
            name,
            source,
            target,
            equal,
        } => {
            let spec = InhibitionSpec {
                name,
                source,
                target,
                equal,
                enabled: true,
            };
            let inhibition: Inhibition = client
                .send_json(Method::POST, "api/v1/inhibitions", &spec)
                .await?;
            let sentence = format!("Inhibition {} is in force.", inhibition.id);
            print_done(session.format, &inhibition, &sentence);
        }
        InhibitionCommand::List => {
            let inhibitions: Vec<Inhibition> = client.list("api/v1/inhibitions", &[]).await?;
            print_rows(
                session.format,
                &inhibitions,
                [
                    "id",
                    "name",
                    "enabled",
                    "source",
                    "target",
                    "equal",
                    "holds back",
                ],
                |inhibition| {
                    [
                        inhibition.id.clone(),
                        inhibition.spec.name.clone(),
                        inhibition.spec.enabled.to_string(),
                        matchers_text(&inhibition.spec.source),
                        matchers_text(&inhibition.spec.target),
                        inhibition.spec.equal.join(", "),
                        inhibition.held.to_string(),
                    ]
                },
            );
        }
        InhibitionCommand::Enable { id } => switch(session, &path(&id), true).await?,
        InhibitionCommand::Disable { id } => switch(session, &path(&id), false).await?,
        InhibitionCommand::Delete { id } => {
            client.delete(&path(&id)).await?;
            print_done(session.format, &(), &format!("Deleted inhibition {id}."));
        }
    }
    Ok(())
}

async fn switch(session: &Session, path: &str, enabled: bool) -> anyhow::Result<()> {
    let client = session.client().await?;
    let before: Inhibition = client.get(path, &[]).await?;
    let spec = InhibitionSpec {
        enabled,
        ..before.spec
    };
    let after: Inhibition = client.send_json(Method::PUT, path, &spec).await?;
    let state = if enabled { "in force" } else { "off" };
    let sentence = format!("Inhibition {} is {state}.", after.spec.name);
    print_done(session.format, &after, &sentence);
    Ok(())
}
