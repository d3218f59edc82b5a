//! Walks the tree of a rule file and collects what is wrong on the way.

use std::collections::{BTreeMap, HashSet};

use yunhai_model::{METRIC_NAME, is_valid_label_name, is_valid_metric_name};

use super::{
    AlertRule, ENABLED, NO_DATA, NO_DATA_FOR, NoData, OPTION_PREFIX, RECOVERY_THRESHOLD,
    RecordingRule, Rule, RuleFault, RuleFaults, RuleFile, RuleGroup, RuleOptions,
};
use crate::duration::parse_duration_ms;
use crate::expression::{self, Threshold};
use crate::template::Template;
use crate::yaml::{self, Node, Place, Value};

const FILE_KEYS: &[&str] = &["groups"];
const GROUP_KEYS: &[&str] = &[
    "name",
    "interval",
    "query_offset",
    "limit",
    "labels",
    "rules",
    "partial_response_strategy",
];
const RULE_KEYS: &[&str] = &[
    "record",
    "alert",
    "expr",
    "for",
    "keep_firing_for",
    "labels",
    "annotations",
];
const OPTIONS: &[&str] = &[RECOVERY_THRESHOLD, NO_DATA, NO_DATA_FOR, ENABLED];

pub(super) fn read(source: &str) -> Result<RuleFile, RuleFaults> {
    let mut reader = Reader {
        source,
        faults: Vec::new(),
    };
    let file = match yaml::parse(source) {
        Ok(Some(root)) => reader.file(&root),
        // Prometheus loads an empty file as one without groups.
        Ok(None) => RuleFile::default(),
        Err(fault) => {
            reader.faults.push(fault);
            RuleFile::default()
        }
    };
    if reader.faults.is_empty() {
        Ok(file)
    } else {
        reader
            .faults
            .sort_by_key(|fault| (fault.line, fault.column));
        Err(RuleFaults(reader.faults))
    }
}

struct Reader<'a> {
    source: &'a str,
    faults: Vec<RuleFault>,
}

/// What an expression compares with on top.
#[derive(Clone, Copy)]
enum Comparing<'a> {
    /// The expression is malformed: nothing can be said.
    Faulty,
    /// It does not compare with a number.
    Nothing,
    Number(&'a Threshold),
}

/// The entries of a mapping, by key.
type Fields<'n> = BTreeMap<&'n str, (&'n Node, &'n Node)>;

impl Reader<'_> {
    fn fault(&mut self, at: Place, structure: &str, message: impl Into<String>) {
        self.faults
            .push(RuleFault::at(at, structure.to_owned(), message.into()));
    }

    /// The entries of a mapping; keys that are unknown or given twice are faults.
    fn fields<'n>(
        &mut self,
        node: &'n Node,
        structure: &str,
        known: Option<&[&str]>,
    ) -> Fields<'n> {
        let Value::Mapping(entries) = &node.value else {
            if !node.is_null() {
                let message = format!("a mapping is needed here, not {}", node.kind());
                self.fault(node.place, structure, message);
            }
            return Fields::new();
        };
        let mut fields = Fields::new();
        for (key, value) in entries {
            let Some(name) = key.text() else {
                let message = format!("a key must be a text, not {}", key.kind());
                self.fault(key.place, structure, message);
                continue;
            };
            if let Some(known) = known
                && !known.contains(&name)
            {
                let message = format!("unknown key `{name}`; known are {}", known.join(", "));
                self.fault(key.place, structure, message);
                continue;
            }
            if fields.insert(name, (key, value)).is_some() {
                self.fault(
                    key.place,
                    structure,
                    format!("the key `{name}` is given twice"),
                );
            }
        }
        fields
    }

    fn items<'n>(&mut self, node: &'n Node, structure: &str) -> &'n [Node] {
        if let Value::Sequence(items) = &node.value {
            return items;
        }
        if !node.is_null() {
            let message = format!("a list is needed here, not {}", node.kind());
            self.fault(node.place, structure, message);
        }
        &[]
    }

    /// A text field; anything else than a text is a fault.
    fn text<'n>(
        &mut self,
        fields: &Fields<'n>,
        key: &str,
        structure: &str,
    ) -> Option<(&'n Node, &'n str)> {
        let (_, node) = fields.get(key)?;
        if node.is_null() {
            return None;
        }
        let text = node.text();
        if text.is_none() {
            let message = format!("`{key}` needs a text, not {}", node.kind());
            self.fault(node.place, structure, message);
        }
        text.map(|text| (*node, text))
    }

    fn duration(&mut self, fields: &Fields<'_>, key: &str, structure: &str) -> Option<i64> {
        let (node, text) = self.text(fields, key, structure)?;
        parse_duration_ms(text)
            .map_err(|message| self.fault(node.place, structure, format!("`{key}`: {message}")))
            .ok()
    }

    fn file(&mut self, root: &Node) -> RuleFile {
        let fields = self.fields(root, "", Some(FILE_KEYS));
        let Some((_, groups)) = fields.get("groups") else {
            return RuleFile::default();
        };
        let mut names = HashSet::new();
        let mut file = RuleFile::default();
        for node in self.items(groups, "groups") {
            if let Some((group, name_at)) = self.group(node) {
                if !names.insert(group.name.clone()) {
                    let message = format!("a second group named `{}` in this file", group.name);
                    self.fault(name_at, "groups", message);
                }
                file.groups.push(group);
            }
        }
        file
    }

    fn group(&mut self, node: &Node) -> Option<(RuleGroup, Place)> {
        let fields = self.fields(node, "group", Some(GROUP_KEYS));
        let name = self
            .text(&fields, "name", "group")
            .filter(|(_, name)| !name.is_empty());
        let structure = name.map_or("group".to_owned(), |(_, name)| format!("group `{name}`"));
        if name.is_none() {
            self.fault(node.place, "group", "a group needs a `name`");
        }
        let interval_ms = self
            .duration(&fields, "interval", &structure)
            .filter(|&ms| ms > 0);
        let query_offset_ms = self.duration(&fields, "query_offset", &structure);
        let limit = self
            .text(&fields, "limit", &structure)
            .map_or(0, |(at, text)| {
                text.parse().unwrap_or_else(|_| {
                    let message = format!("`limit` needs a whole number from 0 up, not `{text}`");
                    self.fault(at.place, &structure, message);
                    0
                })
            });
        let shared = fields
            .get("labels")
            .map(|(_, labels)| self.labels(labels, &structure))
            .unwrap_or_default();
        let rules = match fields.get("rules") {
            Some((_, rules)) => self.items(rules, &structure),
            None => &[],
        };
        let rules = rules
            .iter()
            .enumerate()
            .filter_map(|(number, rule)| self.rule(rule, &structure, number, &shared))
            .collect();
        let (name_node, name) = name?;
        let group = RuleGroup {
            name: name.to_owned(),
            interval_ms,
            query_offset_ms,
            limit,
            rules,
        };
        Some((group, name_node.place))
    }

    fn rule(
        &mut self,
        node: &Node,
        group: &str,
        number: usize,
        shared: &BTreeMap<String, Template>,
    ) -> Option<Rule> {
        let anonymous = format!("{group}, rule {}", number + 1);
        let fields = self.fields(node, &anonymous, Some(RULE_KEYS));
        let alert = self
            .text(&fields, "alert", &anonymous)
            .filter(|(_, name)| !name.is_empty());
        let record = self
            .text(&fields, "record", &anonymous)
            .filter(|(_, name)| !name.is_empty());
        let structure = match (alert, record) {
            (Some((_, name)), _) => format!("{group}, alert `{name}`"),
            (_, Some((_, name))) => format!("{group}, record `{name}`"),
            _ => anonymous,
        };
        let expr = self.expr(&fields, node, &structure);
        let mut labels = fields
            .get("labels")
            .map(|(_, labels)| self.labels(labels, &structure))
            .unwrap_or_default();
        for (name, value) in shared {
            labels.entry(name.clone()).or_insert_with(|| value.clone());
        }
        match (alert, record) {
            (Some(_), Some((at, _))) => {
                self.fault(
                    at.place,
                    &structure,
                    "a rule has either `alert` or `record`, not both",
                );
                None
            }
            (None, None) => {
                self.fault(node.place, &structure, "a rule needs `alert` or `record`");
                None
            }
            (Some((_, name)), None) => self.alert_rule(name, expr, labels, &fields, &structure),
            (None, Some((at, name))) => {
                if !is_valid_metric_name(name) {
                    let message = format!(
                        "`record`: `{name}` is not a metric name: use letters, digits, _ and :"
                    );
                    self.fault(at.place, &structure, message);
                }
                for key in ["for", "keep_firing_for", "annotations"] {
                    if let Some((key_node, _)) = fields.get(key) {
                        let message = format!("a recording rule cannot have `{key}`");
                        self.fault(key_node.place, &structure, message);
                    }
                }
                let labels = labels
                    .into_iter()
                    .map(|(name, value)| (name, value.source().to_owned()))
                    .collect();
                Some(Rule::Recording(RecordingRule {
                    record: name.to_owned(),
                    expr: expr?,
                    labels,
                }))
            }
        }
    }

    fn expr(&mut self, fields: &Fields<'_>, rule: &Node, structure: &str) -> Option<String> {
        let Some((node, text)) = self.text(fields, "expr", structure) else {
            if fields.get("expr").is_none_or(|(_, node)| node.is_null()) {
                self.fault(rule.place, structure, "a rule needs an `expr`");
            }
            return None;
        };
        match expression::check(text) {
            Ok(()) => Some(text.trim().to_owned()),
            Err(fault) => {
                let at = node.place_of(self.source, fault.offset);
                let message = format!(
                    "`expr`, at character {}: {}",
                    text[..fault.offset.min(text.len())].chars().count() + 1,
                    fault.message
                );
                self.fault(at, structure, message);
                None
            }
        }
    }

    fn alert_rule(
        &mut self,
        name: &str,
        expr: Option<String>,
        labels: BTreeMap<String, Template>,
        fields: &Fields<'_>,
        structure: &str,
    ) -> Option<Rule> {
        let hold_ms = self.duration(fields, "for", structure).unwrap_or(0);
        let keep_firing_for_ms = self
            .duration(fields, "keep_firing_for", structure)
            .unwrap_or(0);
        let threshold = expr.as_deref().and_then(expression::threshold_of);
        let mut annotations = BTreeMap::new();
        let mut options = RuleOptions::default();
        if let Some((_, node)) = fields.get("annotations") {
            let entries = self.fields(node, structure, None);
            options = self.options(
                &entries,
                match (&expr, &threshold) {
                    (None, _) => Comparing::Faulty,
                    (Some(_), None) => Comparing::Nothing,
                    (Some(_), Some(threshold)) => Comparing::Number(threshold),
                },
                structure,
            );
            let texts = entries
                .into_iter()
                .filter(|(name, _)| !name.starts_with(OPTION_PREFIX));
            annotations = self.templates(texts, "annotation", structure);
        }
        Some(Rule::Alerting(AlertRule {
            name: name.to_owned(),
            expr: expr?,
            threshold,
            hold_ms,
            keep_firing_for_ms,
            labels,
            annotations,
            options,
        }))
    }

    fn labels(&mut self, node: &Node, structure: &str) -> BTreeMap<String, Template> {
        let entries = self.fields(node, structure, None);
        if let Some((key, _)) = entries.get(METRIC_NAME) {
            self.fault(
                key.place,
                structure,
                "`__name__` cannot be set as a label of a rule",
            );
        }
        self.templates(entries.into_iter(), "label", structure)
    }

    fn templates<'n>(
        &mut self,
        entries: impl Iterator<Item = (&'n str, (&'n Node, &'n Node))>,
        what: &str,
        structure: &str,
    ) -> BTreeMap<String, Template> {
        let mut templates = BTreeMap::new();
        for (name, (key, value)) in entries {
            if !is_valid_label_name(name) {
                let message = format!(
                    "`{name}` is not a name for {what}s: use letters, digits and _, not starting with a digit"
                );
                self.fault(key.place, structure, message);
                continue;
            }
            if !matches!(value.value, Value::Scalar { .. }) {
                let message = format!("{what} `{name}` needs a text, not {}", value.kind());
                self.fault(value.place, structure, message);
                continue;
            }
            match Template::parse(value.text().unwrap_or_default()) {
                Ok(template) => {
                    templates.insert(name.to_owned(), template);
                }
                Err(error) => {
                    let at = value.place_of(self.source, error.offset);
                    self.fault(at, structure, format!("{what} `{name}`: {}", error.message));
                }
            }
        }
        templates
    }

    /// Reads the `yunhai_` annotations.
    fn options(
        &mut self,
        entries: &Fields<'_>,
        threshold: Comparing<'_>,
        structure: &str,
    ) -> RuleOptions {
        let mut options = RuleOptions::default();
        for (name, (key, _)) in entries
            .iter()
            .filter(|(name, _)| name.starts_with(OPTION_PREFIX))
        {
            if !OPTIONS.contains(name) {
                let message = format!("unknown option `{name}`; known are {}", OPTIONS.join(", "));
                self.fault(key.place, structure, message);
            }
        }
        if let Some((node, text)) = self.text(entries, RECOVERY_THRESHOLD, structure) {
            options.recovery_threshold =
                text.parse().ok().filter(|number: &f64| number.is_finite());
            let message = match (options.recovery_threshold, threshold) {
                (None, _) => Some(format!(
                    "`{RECOVERY_THRESHOLD}` needs a number, not `{text}`"
                )),
                (Some(_), Comparing::Nothing) => Some(format!(
                    "`{RECOVERY_THRESHOLD}` needs an expression that compares with a number, like `measured > 0.9`"
                )),
                (Some(recovery), Comparing::Number(found))
                    if !found.comparison.accepts_recovery(found.number, recovery) =>
                {
                    Some(format!(
                        "`{RECOVERY_THRESHOLD}` {recovery} does not lie on the quiet side of `{} {}`",
                        found.comparison, found.number
                    ))
                }
                _ => None,
            };
            if let Some(message) = message {
                self.fault(node.place, structure, message);
            }
        }
        if let Some((node, text)) = self.text(entries, NO_DATA, structure) {
            match text {
                "ok" => options.no_data = NoData::Ok,
                "alert" => options.no_data = NoData::Alert,
                "keep" => options.no_data = NoData::Keep,
                other => {
                    let message = format!("`{NO_DATA}` is `alert`, `ok` or `keep`, not `{other}`");
                    self.fault(node.place, structure, message);
                }
            }
            if options.no_data != NoData::Ok && matches!(threshold, Comparing::Nothing) {
                let message = format!(
                    "`{NO_DATA}` needs an expression that compares with a number, like `measured > 0.9`; for others use `absent(…)`"
                );
                self.fault(node.place, structure, message);
            }
        }
        if let Some(delay_ms) = self.duration(entries, NO_DATA_FOR, structure) {
            options.no_data_for_ms = delay_ms;
        }
        if let Some((node, text)) = self.text(entries, ENABLED, structure) {
            match text {
                "true" => options.is_enabled = true,
                "false" => options.is_enabled = false,
                other => {
                    let message = format!("`{ENABLED}` is `true` or `false`, not `{other}`");
                    self.fault(node.place, structure, message);
                }
            }
        }
        options
    }
}
