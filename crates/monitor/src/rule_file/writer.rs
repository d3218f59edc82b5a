//! Writes rules as YAML that Prometheus and [`super::RuleFile::parse`] read.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{
    AlertRule, ENABLED, NO_DATA, NO_DATA_FOR, NoData, RECOVERY_THRESHOLD, Rule, RuleFile,
    RuleGroup, RuleOptions,
};
use crate::duration::format_duration_ms;

impl RuleFile {
    /// Writes the file. Comments of a file that was read are not kept.
    pub fn to_yaml(&self) -> String {
        if self.groups.is_empty() {
            return "groups: []\n".to_owned();
        }
        let mut yaml = String::from("groups:\n");
        for group in &self.groups {
            write_group(&mut yaml, group).expect("writing to a text does not fail");
        }
        yaml
    }
}

fn write_group(yaml: &mut String, group: &RuleGroup) -> std::fmt::Result {
    writeln!(yaml, "  - name: {}", quoted(&group.name))?;
    if let Some(interval_ms) = group.interval_ms {
        writeln!(yaml, "    interval: {}", format_duration_ms(interval_ms))?;
    }
    if let Some(offset_ms) = group.query_offset_ms {
        writeln!(yaml, "    query_offset: {}", format_duration_ms(offset_ms))?;
    }
    if group.limit > 0 {
        writeln!(yaml, "    limit: {}", group.limit)?;
    }
    if group.rules.is_empty() {
        return writeln!(yaml, "    rules: []");
    }
    writeln!(yaml, "    rules:")?;
    for rule in &group.rules {
        match rule {
            Rule::Recording(rule) => {
                writeln!(yaml, "      - record: {}", quoted(&rule.record))?;
                writeln!(yaml, "        expr: {}", quoted(&rule.expr))?;
                write_texts(yaml, "labels", &rule.labels)?;
            }
            Rule::Alerting(rule) => write_alert(yaml, rule)?,
        }
    }
    Ok(())
}

fn write_alert(yaml: &mut String, rule: &AlertRule) -> std::fmt::Result {
    writeln!(yaml, "      - alert: {}", quoted(&rule.name))?;
    writeln!(yaml, "        expr: {}", quoted(&rule.expr))?;
    for (key, duration_ms) in [
        ("for", rule.hold_ms),
        ("keep_firing_for", rule.keep_firing_for_ms),
    ] {
        if duration_ms > 0 {
            writeln!(yaml, "        {key}: {}", format_duration_ms(duration_ms))?;
        }
    }
    let sources = |templates: &BTreeMap<String, super::Template>| {
        templates
            .iter()
            .map(|(name, text)| (name.clone(), text.source().to_owned()))
            .collect()
    };
    write_texts(yaml, "labels", &sources(&rule.labels))?;
    let mut annotations: BTreeMap<_, _> = sources(&rule.annotations);
    annotations.extend(options(&rule.options));
    write_texts(yaml, "annotations", &annotations)
}

fn options(options: &RuleOptions) -> Vec<(String, String)> {
    let defaults = RuleOptions::default();
    let mut texts = Vec::new();
    if let Some(threshold) = options.recovery_threshold {
        texts.push((RECOVERY_THRESHOLD.to_owned(), threshold.to_string()));
    }
    if options.no_data != defaults.no_data {
        let text = match options.no_data {
            NoData::Ok => "ok",
            NoData::Alert => "alert",
            NoData::Keep => "keep",
        };
        texts.push((NO_DATA.to_owned(), text.to_owned()));
    }
    if options.no_data_for_ms != defaults.no_data_for_ms {
        texts.push((
            NO_DATA_FOR.to_owned(),
            format_duration_ms(options.no_data_for_ms),
        ));
    }
    if !options.is_enabled {
        texts.push((ENABLED.to_owned(), "false".to_owned()));
    }
    texts
}

fn write_texts(yaml: &mut String, key: &str, texts: &BTreeMap<String, String>) -> std::fmt::Result {
    if texts.is_empty() {
        return Ok(());
    }
    writeln!(yaml, "        {key}:")?;
    for (name, text) in texts {
        writeln!(yaml, "          {name}: {}", quoted(text))?;
    }
    Ok(())
}

/// A double-quoted scalar: YAML reads JSON's.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a text can be written as JSON")
}
