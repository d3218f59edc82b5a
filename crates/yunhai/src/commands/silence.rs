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
    #[command(after_help = "Examples:
  yunhai alert silence add server=web-1 --for 2h --comment 'new disk'
  yunhai alert silence add alertname=DiskFull 'server=~db-.*' \\
    --for 1d --comment 'known'")]
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
    List {
        /// Only silences in this state
        #[arg(long, value_parser = ["pending", "active", "expired", "current"])]
        state: Option<String>,
    },
    /// Change a silence; what is not given stays
    #[command(after_help = "Examples:
  yunhai alert silence edit 01JDA3M5Y2Q8W4T6R1S9Z7X5C3 --for 4h
  yunhai alert silence edit 01JDA3M5Y2Q8W4T6R1S9Z7X5C3 \\
    --match 'server=~web-.*' --comment 'all of web'")]
    Edit {
        /// The silence's id
        id: String,
        /// What alerts must match from now on; may be given several times
        #[arg(long = "match", value_name = "MATCHER", value_parser = parse_matcher)]
        matchers: Vec<LabelMatcher>,
        /// For how long from now
        #[arg(long = "for", value_name = "DURATION")]
        duration: Option<HumanDuration>,
        /// Why
        #[arg(long, short)]
        comment: Option<String>,
    },
    /// End a silence
    Expire {
        /// The silence's id
        id: String,
    },
}

/// Runs `yunhai alert silence …`.
pub(crate) async fn run(session: &Session, command: SilenceCommand) -> anyhow::Result<()> {
    let client = session.client().await?;
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
        SilenceCommand::Edit {
            id,
            matchers,
            duration,
            comment,
        } => {
            let path = format!("api/v1/silences/{}", segment(&id));
            let before: Silence = client.get(&path, &[]).await?;
            let now_ms = jiff::Timestamp::now().as_millisecond();
            let request = CreateSilenceRequest {
                matchers: if matchers.is_empty() {
                    before.matchers
                } else {
                    matchers
                },
                starts_at_ms: None,
                ends_at_ms: duration
                    .map_or(before.ends_at_ms, |duration| now_ms + duration.as_millis()),
                comment: comment.unwrap_or(before.comment),
            };
            let silence: Silence = client.send_json(Method::PUT, &path, &request).await?;
            let sentence = format!(
                "Silence {} holds until {}.",
                silence.id,
                time(silence.ends_at_ms)
            );
            print_done(session.format, &silence, &sentence);
        }
        SilenceCommand::List { state } => {
            let filter: Vec<_> = state.map(|state| ("state", state)).into_iter().collect();
            let silences: Vec<Silence> = client.list("api/v1/silences", &filter).await?;
            print_rows(
                session.format,
                &silences,
                ["id", "state", "matchers", "until", "by", "comment"],
                |silence| {
                    [
                        silence.id.clone(),
                        silence.state.clone(),
                        matchers_text(&silence.matchers),
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

/// Writes matchers as Prometheus does.
pub(crate) fn matchers_text(matchers: &[LabelMatcher]) -> String {
    matchers
        .iter()
        .map(|matcher| format!("{}{}{:?}", matcher.name, matcher.op, matcher.value))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Reads a matcher of the command line.
pub(crate) fn parse_matcher(text: &str) -> anyhow::Result<LabelMatcher> {
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
