//! Runs unit tests of rules in promtool's format (`promtool test rules`).

mod format;
mod world;

use serde::Serialize;

use crate::duration::parse_duration_ms;
use crate::rule_file::RuleFile;
use format::TestFile;
use world::World;

/// Why tests could not be run at all.
#[derive(Debug, thiserror::Error)]
pub enum RuleTestError {
    /// The test file is malformed.
    #[error("the test file is malformed: {0}")]
    Malformed(String),
    /// A rule file cannot be read.
    #[error("cannot read the rule file `{file}`: {reason}")]
    RuleFile {
        /// The file as the tests name it.
        file: String,
        /// Why.
        reason: String,
    },
}

/// What came of one test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleTestOutcome {
    /// The test's name, or its number.
    pub name: String,
    /// What differs from what was expected; empty where the test passed.
    pub failures: Vec<String>,
}

/// Runs the tests of a file. `read` gives the text of a rule file that the tests name.
pub async fn run_rule_tests(
    source: &str,
    read: impl Fn(&str) -> Result<String, String>,
) -> Result<Vec<RuleTestOutcome>, RuleTestError> {
    let file: TestFile = serde_saphyr::from_str(source)
        .map_err(|error| RuleTestError::Malformed(error.to_string()))?;
    let interval_ms = duration(&file.evaluation_interval)?;
    if interval_ms == 0 {
        return Err(RuleTestError::Malformed(
            "`evaluation_interval` must be longer than zero".to_owned(),
        ));
    }
    let mut rules = Vec::new();
    for name in &file.rule_files {
        let failed = |reason: String| RuleTestError::RuleFile {
            file: name.clone(),
            reason,
        };
        let text = read(name).map_err(failed)?;
        let parsed = RuleFile::parse(&text).map_err(|faults| RuleTestError::RuleFile {
            file: name.clone(),
            reason: faults.to_string(),
        })?;
        rules.extend(parsed.groups.into_iter().map(|group| (name.clone(), group)));
    }
    let order = |name: &str| {
        file.group_eval_order
            .iter()
            .position(|known| known == name)
            .unwrap_or(usize::MAX)
    };
    rules.sort_by_key(|(_, group)| order(&group.name));
    let mut outcomes = Vec::new();
    for (number, test) in file.tests.iter().enumerate() {
        let name = test
            .name
            .clone()
            .unwrap_or_else(|| format!("test {}", number + 1));
        let mut world = World::new(test)?;
        let failures = world.run(test, &rules, interval_ms).await?;
        outcomes.push(RuleTestOutcome { name, failures });
    }
    Ok(outcomes)
}

fn duration(text: &str) -> Result<i64, RuleTestError> {
    parse_duration_ms(text).map_err(RuleTestError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = r#"
groups:
  - name: example
    rules:
      - alert: InstanceDown
        expr: up == 0
        for: 5m
        labels:
          severity: page
        annotations:
          summary: "Instance {{ $labels.instance }} down in {{ $externalLabels.region }}"
      - record: up:sum
        expr: sum(up)
"#;

    async fn run(tests: &str) -> Vec<RuleTestOutcome> {
        run_rule_tests(tests, |name| {
            if name == "rules.yml" {
                Ok(RULES.to_owned())
            } else {
                Err("no such file".to_owned())
            }
        })
        .await
        .unwrap()
    }

    #[tokio::test]
    async fn a_test_of_promtool_passes() {
        let outcomes = run(r#"
rule_files: [rules.yml]
evaluation_interval: 1m
tests:
  - interval: 1m
    name: down
    external_labels: { region: eu }
    input_series:
      - series: 'up{job="prometheus", instance="localhost:9090"}'
        values: '0x14'
      - series: 'up{job="node", instance="localhost:9100"}'
        values: '1+0x6 0x8'
    alert_rule_test:
      - eval_time: 4m
        alertname: InstanceDown
      - eval_time: 10m
        alertname: InstanceDown
        exp_alerts:
          - exp_labels: { severity: page, instance: "localhost:9090", job: prometheus }
            exp_annotations: { summary: "Instance localhost:9090 down in eu" }
    promql_expr_test:
      - expr: up:sum
        eval_time: 4m
        exp_samples:
          - labels: up:sum
            value: 1
      - expr: ALERTS
        eval_time: 3m
        exp_samples:
          - labels: 'ALERTS{alertname="InstanceDown",alertstate="pending",severity="page",instance="localhost:9090",job="prometheus"}'
            value: 1
"#).await;
        assert_eq!(
            outcomes,
            [RuleTestOutcome {
                name: "down".into(),
                failures: Vec::new()
            }]
        );
    }

    #[tokio::test]
    async fn a_failed_test_shows_both_sides() {
        let outcomes = run(r#"
rule_files: [rules.yml]
tests:
  - input_series:
      - series: 'up{instance="a"}'
        values: '0x10'
    alert_rule_test:
      - eval_time: 5m
        alertname: InstanceDown
    promql_expr_test:
      - expr: sum(up)
        eval_time: 1m
        exp_samples: [{ labels: "{}", value: 3 }]
"#)
        .await;
        insta::assert_snapshot!(outcomes[0].failures.join("\n"));
    }

    #[tokio::test]
    async fn a_malformed_test_file_says_why() {
        let error = run_rule_tests("rule_files: [x.yml]\ntests: []", |_| {
            Err("no such file".into())
        })
        .await;
        assert!(
            error
                .unwrap_err()
                .to_string()
                .contains("`x.yml`: no such file")
        );
        let error = run_rule_tests("rule_files: []\ntest: []", |_| Err(String::new())).await;
        assert!(error.unwrap_err().to_string().contains("unknown field"));
    }
}
