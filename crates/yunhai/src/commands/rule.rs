//! `yunhai alert rule …`: rule files in Prometheus's form.

mod backtest;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use reqwest::Method;
use yunhai_api_types::{RuleGroup, RuleReason, RuleSource};

use super::{Session, read_file_or_stdin, segment};
use crate::output::{optional, percent, print_done, print_rows, print_text, time};

/// What can be done with rules.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum RuleCommand {
    /// List rules and how they stand
    List,
    /// Load a Prometheus rule file; its groups replace those that came from the file before
    #[command(after_help = "Examples:
  yunhai alert rule apply rules.yml
  yunhai alert rule show my-group | sed 's/10m/5m/' | yunhai alert rule apply -")]
    Apply {
        /// The file; - for the standard input
        file: PathBuf,
    },
    /// Tell when a rule would have fired on what is stored
    Backtest(backtest::BacktestArgs),
    /// Run unit tests of rules, in the format of promtool, without a server
    Test {
        /// The file with the tests; rule files that it names are looked for beside it
        file: PathBuf,
    },
    /// Print a group as a Prometheus rule file
    Show {
        /// The group's name
        group: String,
    },
    /// Delete a group
    Delete {
        /// The group's name
        group: String,
    },
    /// Tell for each series why a rule fires or does not
    Why {
        /// The group's name
        group: String,
        /// The rule's name
        rule: String,
    },
}

/// Runs `yunhai alert rule …`.
pub(crate) async fn run(session: &Session, command: RuleCommand) -> anyhow::Result<ExitCode> {
    if let RuleCommand::Test { file } = &command {
        return test(session, file).await;
    }
    let client = session.client().await?;
    let group_path = |group: &str| format!("api/v1/rule-groups/{}", segment(group));
    match command {
        RuleCommand::List => {
            let groups: Vec<RuleGroup> = client.list("api/v1/rule-groups", &[]).await?;
            let rules: Vec<_> = groups
                .iter()
                .flat_map(|group| group.rules.iter().map(move |rule| (&group.name, rule)))
                .collect();
            print_rows(
                session.format,
                &rules,
                [
                    "group",
                    "rule",
                    "severity",
                    "health",
                    "pending",
                    "firing",
                    "evaluated",
                    "expression",
                ],
                |(group, rule)| {
                    [
                        (*group).clone(),
                        rule.name.clone(),
                        optional(rule.severity.as_deref()),
                        rule.last_error
                            .clone()
                            .unwrap_or_else(|| rule.health.clone()),
                        rule.pending.to_string(),
                        rule.firing.to_string(),
                        time(rule.last_evaluation_ms),
                        rule.expr.clone(),
                    ]
                },
            );
        }
        RuleCommand::Apply { file } => {
            let source = read_file_or_stdin(&file)?;
            let name = origin_of(&file);
            let shown = if file == Path::new("-") {
                "the standard input".to_owned()
            } else {
                file.display().to_string()
            };
            let body = RuleSource { source, file: name };
            let groups: Vec<RuleGroup> = client
                .send_json(Method::POST, "api/v1/rule-groups", &body)
                .await
                .with_context(|| format!("{shown} was not applied"))?;
            let names: Vec<_> = groups.iter().map(|group| group.name.as_str()).collect();
            let sentence = format!("Applied {shown}: {}.", names.join(", "));
            print_done(session.format, &groups, &sentence);
        }
        RuleCommand::Test { .. } => {}
        RuleCommand::Backtest(args) => backtest::run(session, args).await?,
        RuleCommand::Show { group } => {
            let group: RuleGroup = client.get(&group_path(&group), &[]).await?;
            match session.format {
                crate::output::Format::Json => crate::output::print_json(&group),
                crate::output::Format::Table => print_text(group.source.trim_end()),
            }
        }
        RuleCommand::Delete { group } => {
            client.delete(&group_path(&group)).await?;
            print_done(session.format, &(), &format!("Deleted group {group}."));
        }
        RuleCommand::Why { group, rule } => {
            let path = format!("api/v1/rules/{}/{}/why", segment(&group), segment(&rule));
            let reasons: Vec<RuleReason> = client.list(&path, &[]).await?;
            print_rows(
                session.format,
                &reasons,
                ["series", "state", "value", "reason"],
                |reason| {
                    [
                        yunhai_model::Labels::new(reason.labels.clone()).to_string(),
                        reason.state.clone(),
                        reason
                            .value
                            .map_or(percent(None), |value| value.to_string()),
                        reason.reason.clone(),
                    ]
                },
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The name under which the server knows a rule file: with its folder, for collections of rules have
/// many files of one name that way. None for the standard input.
fn origin_of(file: &Path) -> Option<String> {
    let path = file.canonicalize().ok().filter(|path| path.is_file())?;
    let name = path.file_name()?.to_string_lossy();
    let folder = path.parent().and_then(Path::file_name);
    Some(folder.map_or_else(
        || name.to_string(),
        |folder| format!("{}/{name}", folder.to_string_lossy()),
    ))
}

/// Tells whether a text is a rule file, by the key that none with tests has.
fn is_rule_file(source: &str) -> bool {
    source.lines().any(|line| line.starts_with("groups:"))
}

/// Runs the unit tests of a file; fails where one of them does.
async fn test(session: &Session, file: &Path) -> anyhow::Result<ExitCode> {
    let source = read_file_or_stdin(file)?;
    let folder = file.parent().unwrap_or(Path::new("."));
    let outcomes = yunhai_monitor::run_rule_tests(&source, |name| {
        std::fs::read_to_string(folder.join(name)).map_err(|error| error.to_string())
    })
    .await
    .with_context(|| {
        let file = file.display();
        if is_rule_file(&source) {
            format!(
                "{file} holds rules, not tests of them\nhint: give the file with the tests, which \
                 names this one under `rule_files`"
            )
        } else {
            format!("{file} cannot be run")
        }
    })?;
    let failed = outcomes
        .iter()
        .filter(|outcome| !outcome.failures.is_empty())
        .count();
    print_rows(session.format, &outcomes, ["test", "outcome"], |outcome| {
        let result = if outcome.failures.is_empty() {
            "passed".to_owned()
        } else {
            outcome.failures.join("\n")
        };
        [outcome.name.clone(), result]
    });
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_one_name_in_two_folders_are_two() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["minio", "caddy"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
            let file = folder.path().join(name).join("rules.yml");
            std::fs::write(&file, "groups: []").unwrap();
            assert_eq!(origin_of(&file).unwrap(), format!("{name}/rules.yml"));
        }
        assert_eq!(origin_of(Path::new("-")), None);
    }
}
