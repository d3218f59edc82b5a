//! `yunhai alert rule backtest`: when a rule would have fired on what is stored.

use anyhow::Context;
use reqwest::Method;
use yunhai_api_types::{Backtest, BacktestRequest, RuleGroup};
use yunhai_model::{HumanDuration, Labels};

use crate::client::Client;
use crate::commands::{Session, moment_ms};
use crate::output::{Format, print_json, print_rows, print_text, time};

/// Which rule, and on what stretch of time.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  yunhai alert rule backtest 'server_cpu_utilization_ratio > 0.9' \\
    --for 10m --last 7d
  yunhai alert rule backtest --rule yunhai-defaults/HighDisk --last 30d
  yunhai alert rule backtest 'server_reporting == 0' \\
    --from 2026-11-01T00:00:00Z --to 2026-11-08T00:00:00Z")]
pub(crate) struct BacktestArgs {
    /// The expression
    #[arg(value_name = "EXPR", required_unless_present = "rule")]
    expression: Option<String>,
    /// A rule that the server has, as GROUP/RULE, in place of an expression
    #[arg(long, value_name = "GROUP/RULE", conflicts_with = "expression")]
    rule: Option<String>,
    /// For how long it must hold before it fires; of a rule of the server: what the rule says
    #[arg(long = "for", value_name = "DURATION")]
    duration: Option<HumanDuration>,
    /// How far back to look
    #[arg(long, value_name = "DURATION", default_value = "1d", conflicts_with_all = ["from", "to"])]
    last: HumanDuration,
    /// From when: RFC 3339 or Unix seconds
    #[arg(long, requires = "to", value_parser = moment_ms)]
    from: Option<i64>,
    /// Until when
    #[arg(long, requires = "from", value_parser = moment_ms)]
    to: Option<i64>,
}

/// Runs `yunhai alert rule backtest`.
pub(super) async fn run(session: &Session, args: BacktestArgs) -> anyhow::Result<()> {
    let client = session.client().await?;
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let (expr, rule_for_secs) = match (&args.expression, &args.rule) {
        (Some(expression), _) => (expression.clone(), 0.0),
        (None, Some(rule)) => stored_rule(&client, rule).await?,
        (None, None) => (String::new(), 0.0),
    };
    let request = BacktestRequest {
        expr,
        for_secs: args
            .duration
            .map_or(rule_for_secs as u64, |duration| duration.0.as_secs()),
        from_ms: args.from.unwrap_or(now_ms - args.last.as_millis()),
        to_ms: args.to.unwrap_or(now_ms),
    };
    let outcome: Backtest = client
        .send_json(Method::POST, "api/v1/rules/backtest", &request)
        .await?;
    match session.format {
        Format::Json => print_json(&outcome),
        Format::Table if outcome.intervals.is_empty() => print_text(&format!(
            "It would not have fired between {} and {}.",
            time(request.from_ms),
            time(request.to_ms)
        )),
        Format::Table => print_rows(
            Format::Table,
            &outcome.intervals,
            ["series", "state", "from", "until", "for"],
            |interval| {
                let secs = (interval.to_ms - interval.from_ms).max(0) as u64 / 1000;
                [
                    Labels::new(interval.labels.clone()).to_string(),
                    interval.state.clone(),
                    time(interval.from_ms),
                    time(interval.to_ms),
                    HumanDuration::from_secs(secs).to_string(),
                ]
            },
        ),
    }
    Ok(())
}

/// Asks the server for the expression of a rule, and for how many seconds it must hold.
async fn stored_rule(client: &Client, wanted: &str) -> anyhow::Result<(String, f64)> {
    let groups: Vec<RuleGroup> = client.list("api/v1/rule-groups", &[]).await?;
    let rules = groups.iter().flat_map(|group| {
        let rules = group.rules.iter();
        rules.map(|rule| (group.name.as_str(), rule.id.as_str(), rule))
    });
    let rule = find_rule(rules, wanted).with_context(|| {
        format!(
            "--rule {wanted}: there is no such GROUP/RULE\n\
             hint: `yunhai alert rule list` shows the groups and their rules"
        )
    })?;
    Ok((rule.expr.clone(), rule.for_secs))
}

/// Finds what is called `GROUP/RULE` among groups, rules and what they stand for. Names of both may
/// hold slashes themselves.
fn find_rule<'a, T>(
    rules: impl IntoIterator<Item = (&'a str, &'a str, T)>,
    wanted: &str,
) -> Option<T> {
    let found = rules.into_iter().find(|(group, rule, _)| {
        let rest = wanted.strip_prefix(group);
        rest.and_then(|rest| rest.strip_prefix('/')) == Some(*rule)
    });
    found.map(|(_, _, meant)| meant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_and_rules_may_have_slashes_in_their_names() {
        let rules = [
            ("same", "1", 0),
            ("same/R", "2", 1),
            ("same", "R/1", 2),
            ("a/b", "c", 3),
        ];
        let found = |wanted| find_rule(rules, wanted);
        assert_eq!(found("same/R/1"), Some(2));
        assert_eq!(found("same/R/2"), Some(1));
        assert_eq!(found("a/b/c"), Some(3));
        for absent in ["same", "same/", "same/R", "a/c", "amen/1"] {
            assert_eq!(found(absent), None, "{absent}");
        }
    }
}
