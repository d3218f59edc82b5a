//! `yunhai alert silence …`.

use anyhow::Context;
use reqwest::Method;
use yunhai_api_types::{CreateSilenceRequest, LabelMatcher, Silence};
use yunhai_model::HumanDuration;

use super::{Session, segment};
use crate::output::{print_done, print_rows, time};

/// What can be done with silences.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum SilenceCommand {
    /// Hold back the notifications of alerts that match
    Add {
        /// What alerts must match: server=web-1, severity!=critical, server=~web-.*
        #[arg(required = true, value_name = "MATCHER", value_parser = parse_matcher)]
        matchers: Vec<LabelMatcher>,
        /// For how long: 30m, 2h, 1d
        #[arg(long = "for", value_name = "DURATION", default_value = "2h")]
        duration: HumanDuration,
        /// Why
        #[arg(long, short)]
        comment: String,
    },
    /// List silences
    List,
    /// End a silence
    Expire {
        /// The silence's id
        id: String,
    },
}

/// Runs `yunhai alert silence …`.
pub(crate) async fn run(session: &Session, command: SilenceCommand) -> anyhow::Result<()> {
    let client = session.client()?;
    match command {
        SilenceCommand::Add {
            matchers,
            duration,
            comment,
        } => {
            let now_ms = jiff::Timestamp::now().as_millisecond();
            let request = CreateSilenceRequest {
                matchers,
                starts_at_ms: None,
                ends_at_ms: now_ms + duration.as_millis(),
                comment,
            };
            let silence: Silence = client
                .send_json(Method::POST, "api/v1/silences", &request)
                .await?;
            let sentence = format!(
                "Silence {} holds until {}.",
                silence.id,
                time(silence.ends_at_ms)
            );
            print_done(session.format, &silence, &sentence);
        }
        SilenceCommand::List => {
            let silences: Vec<Silence> = client.list("api/v1/silences", &[]).await?;
            print_rows(
                session.format,
                &silences,
                ["id", "state", "matchers", "until", "by", "comment"],
                |silence| {
                    [
                        silence.id.clone(),
                        silence.state.clone(),
                        silence
                            .matchers
                            .iter()
                            .map(|matcher| {
                                format!("{}{}{:?}", matcher.name, matcher.op, matcher.value)
                            })
                            .collect::<Vec<_>>()
                            .join(", "),
                        time(silence.ends_at_ms),
                        silence.created_by.clone(),
                        silence.comment.clone(),
                    ]
                },
            );
        }
        SilenceCommand::Expire { id } => {
            client
                .delete(&format!("api/v1/silences/{}", segment(&id)))
                .await?;
            print_done(session.format, &(), &format!("Silence {id} has ended."));
        }
    }
    Ok(())
}

fn parse_matcher(text: &str) -> anyhow::Result<LabelMatcher> {
    let at = text
        .find(['=', '!'])
        .context("write it like server=web-1, severity!=critical or server=~web-.*")?;
    let (name, rest) = text.split_at(at);
    let op = ["=~", "!~", "!=", "="]
        .into_iter()
        .find(|op| rest.starts_with(op))
        .context("the comparison must be =, !=, =~ or !~")?;
    let value = rest[op.len()..].trim_matches('"');
    anyhow::ensure!(
        yunhai_model::is_valid_label_name(name),
        "`{name}` is not a label name"
    );
    Ok(LabelMatcher {
        name: name.to_owned(),
        op: op.to_owned(),
        value: value.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matchers_read_as_prometheus_writes_them() {
        let matcher = parse_matcher("server=~\"web-.*\"").unwrap();
        assert_eq!(
            (
                matcher.name.as_str(),
                matcher.op.as_str(),
                matcher.value.as_str()
            ),
            ("server", "=~", "web-.*")
        );
        assert_eq!(parse_matcher("a!=b").unwrap().op, "!=");
        assert!(parse_matcher("server").is_err());
        assert!(parse_matcher("a-b=c").is_err());
    }
}
