//! Rule files: kept as they were given, checked before they are kept.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, PoisonError};

use serde::Serialize;
use yunhai_database::Transaction;
use yunhai_model::{TimestampMs, with_causes};

use super::{GroupStatus, LoadedFile, Monitor, RuleStatus, StateChange, check};
use crate::alert::RuleKey;
use crate::backtest::{BacktestSeries, backtest};
use crate::default_rules::{DEFAULT_RULES, DEFAULT_RULES_NAME};
use crate::error::{Error, Result};
use crate::evaluate::{SeriesExplanation, measure};
use crate::leadership::Role;
use crate::rule_file::{AlertRule, Rule, RuleFile, RuleGroup};
use crate::simple_form::SimpleForm;
use crate::store::{StoredRuleFile, settings};
use crate::version::Expected;

/// The file and group of the rules that were made with the simple form.
pub const FORM_RULES_NAME: &str = "custom";

/// Longest name of a rule file or group.
const MAX_NAME_CHARS: usize = 191;

/// What became of a rule file, or of one group of a file that was applied.
#[derive(Clone, Debug, PartialEq)]
pub struct AppliedGroup {
    /// What is stored now.
    pub after: StoredRuleFile,
    /// What was stored under its name before.
    pub before: Option<StoredRuleFile>,
}

/// A group with the state of its rules.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GroupView {
    /// The file that it stands in.
    pub file: String,
    /// The group.
    #[serde(flatten)]
    pub group: RuleGroup,
    /// How it fares.
    pub status: GroupStatus,
    /// How its rules fare, in their order.
    pub rules_status: Vec<RuleStatus>,
}

impl Monitor {
    /// Lays down the default rules, once: whoever deletes them does not get them back.
    pub(super) async fn set_up(&self) -> Result<()> {
        let store = &self.0.store;
        let database = store.database();
        let is_set_up: Option<bool> = store
            .setting(database.connection(), settings::SET_UP)
            .await?;
        if is_set_up.is_some() {
            return Ok(());
        }
        let file = StoredRuleFile {
            name: DEFAULT_RULES_NAME.to_owned(),
            source: DEFAULT_RULES.to_owned(),
            origin: None,
            updated_by: "yunhai".to_owned(),
            updated_at_ms: self.now_ms(),
        };
        let transaction = database.begin().await?;
        store.put_rule_files(&transaction, &[file]).await?;
        store
            .put_setting(&transaction, settings::SET_UP, &true)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Reads the rules from the database. A file that an older release accepted and this one does
    /// not is left out with a warning; the others stay in force.
    pub(super) async fn load_rules(&self) -> Result<()> {
        let mut loaded = Vec::new();
        let mut stamps = Vec::new();
        // Held over both, so that what was read later is also put in force later.
        let mut others = self.0.others.lock().await;
        for file in self.0.store.rule_files().await? {
            stamps.push((file.name.clone(), file.updated_at_ms));
            match RuleFile::parse(&file.source) {
                Ok(rules) => loaded.push(LoadedFile {
                    name: file.name,
                    rules,
                }),
                Err(error) => {
                    tracing::warn!(
                        file = file.name,
                        error = with_causes(&error),
                        "a stored rule file is not in force"
                    );
                }
            }
        }
        let mut keys = HashSet::new();
        for file in &loaded {
            for group in &file.rules.groups {
                keys.extend(
                    group
                        .identified()
                        .map(|(id, _)| rule_key(&file.name, group, id)),
                );
            }
        }
        *self.0.rules.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(loaded);
        self.0
            .status
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|key, _| keys.contains(key));
        others.rule_files = stamps;
        drop(others);
        self.0.generation.send_modify(|generation| *generation += 1);
        Ok(())
    }

    pub(super) fn loaded(&self) -> Arc<Vec<LoadedFile>> {
        self.0
            .rules
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The stored rule files.
    pub async fn rule_files(&self) -> Result<Vec<StoredRuleFile>> {
        self.0.store.rule_files().await
    }

    /// One stored rule file.
    pub async fn rule_file(&self, name: &str) -> Result<StoredRuleFile> {
        self.0.store.rule_file(name).await
    }

    /// Stores a rule file and puts it in force, or tells all its faults and changes nothing.
    pub async fn put_rule_file(
        &self,
        transaction: &mut Transaction,
        name: &str,
        source: &str,
        user: &str,
    ) -> Result<AppliedGroup> {
        self.replace_rule_file(transaction, name, source, user, &Expected::Anything)
            .await
    }

    /// Stores a rule file like [`Self::put_rule_file`] while what is stored is what was expected.
    pub async fn replace_rule_file(
        &self,
        transaction: &mut Transaction,
        name: &str,
        source: &str,
        user: &str,
        expected: &Expected,
    ) -> Result<AppliedGroup> {
        let mut faults = Vec::new();
        if name.trim().is_empty() {
            faults.push("name: a rule file needs a name".to_owned());
        }
        let rules = RuleFile::parse(source)?;
        let names = rules.groups.iter().map(|group| group.name.as_str());
        faults.extend(names.chain([name]).filter_map(too_long));
        check("rule file", faults)?;
        let store = &self.0.store;
        let connection = transaction.connection().await?;
        let before = store.hold_rule_file(connection, name).await?;
        let version = before.as_ref().map(StoredRuleFile::version);
        if !expected.allows(version.as_deref()) {
            return Err(Error::ChangedMeanwhile { what: "rules" });
        }
        // Later than before also where the clock stood still, so that no two versions share it.
        let after_ms = before.as_ref().map_or(0, |before| before.updated_at_ms + 1);
        let file = StoredRuleFile {
            name: name.to_owned(),
            source: source.to_owned(),
            origin: before.as_ref().and_then(|before| before.origin.clone()),
            updated_by: user.to_owned(),
            updated_at_ms: self.now_ms().max(after_ms),
        };
        let files = std::slice::from_ref(&file);
        store.put_rule_files(connection, files).await?;
        self.put_in_force(transaction);
        Ok(AppliedGroup {
            after: file,
            before,
        })
    }

    /// Stores every group of a rule file as a file of its own, all or none of them, and puts them
    /// in force. A group replaces the one of its name that came from a file of the same name, or
    /// from none; where another file has the name, it is stored as `file/group`, for names of
    /// groups are unique in their file only.
    pub async fn apply_rule_file(
        &self,
        transaction: &mut Transaction,
        origin: Option<&str>,
        source: &str,
        user: &str,
    ) -> Result<Vec<AppliedGroup>> {
        let rules = RuleFile::parse(source)?;
        let store = &self.0.store;
        let connection = transaction.connection().await?;
        let mut stored: BTreeMap<String, StoredRuleFile> = store
            .hold_rule_files(connection)
            .await?
            .into_iter()
            .map(|file| (file.name.clone(), file))
            .collect();
        // A file of one group keeps its comments; others are written anew, one file a group.
        let is_single = rules.groups.len() == 1;
        let mut applied = Vec::new();
        for group in rules.groups {
            let is_of_another = |file: &StoredRuleFile| {
                origin.is_some() && file.origin.is_some() && file.origin.as_deref() != origin
            };
            let name = match (stored.get(&group.name), origin) {
                (Some(file), Some(origin)) if is_of_another(file) => {
                    format!("{origin}/{}", group.name)
                }
                _ => group.name.clone(),
            };
            let source = if is_single {
                source.to_owned()
            } else {
                RuleFile {
                    groups: vec![group],
                }
                .to_yaml()
            };
            let before = stored.remove(&name);
            let kept = before.as_ref().and_then(|file| file.origin.clone());
            applied.push(AppliedGroup {
                after: StoredRuleFile {
                    name,
                    source,
                    origin: origin.map(str::to_owned).or(kept),
                    updated_by: user.to_owned(),
                    updated_at_ms: self.now_ms(),
                },
                before,
            });
        }
        let names = applied.iter().map(|group| group.after.name.as_str());
        check("rule file", names.filter_map(too_long).collect())?;
        let files: Vec<StoredRuleFile> = applied.iter().map(|group| group.after.clone()).collect();
        store.put_rule_files(connection, &files).await?;
        self.put_in_force(transaction);
        Ok(applied)
    }

    /// Deletes a rule file, so that the alerts of its rules end; returns what it was.
    pub async fn delete_rule_file(
        &self,
        transaction: &mut Transaction,
        name: &str,
    ) -> Result<StoredRuleFile> {
        let connection = transaction.connection().await?;
        let old = self.0.store.delete_rule_file(connection, name).await?;
        self.put_in_force(transaction);
        Ok(old)
    }

    /// Puts the rules in force that are stored once everything is committed.
    fn put_in_force(&self, transaction: &mut Transaction) {
        let monitor = self.clone();
        transaction.after_commit(async move {
            if let Err(error) = monitor.rules_changed().await {
                // What is stored and not yet in force is noticed like the doings of another server.
                tracing::warn!(
                    error = with_causes(&error),
                    "changed rules are not in force yet"
                );
            }
            monitor.announce(StateChange::Settings { what: "rules" });
        });
    }

    async fn rules_changed(&self) -> Result<()> {
        self.load_rules().await?;
        self.end_orphans().await
    }

    /// Adds the rule of a simple form to the file `custom`, or replaces the one named
    /// `previous_name` there.
    pub async fn put_form(
        &self,
        transaction: &mut Transaction,
        form: &SimpleForm,
        previous_name: Option<&str>,
        user: &str,
    ) -> Result<()> {
        let rule = form.to_rule().map_err(Error::Form)?;
        let connection = transaction.connection().await?;
        let stored = self.0.store.hold_rule_file(connection, FORM_RULES_NAME);
        let mut rules = match stored.await? {
            Some(file) => RuleFile::parse(&file.source)?,
            None => RuleFile::default(),
        };
        if rules.groups.is_empty() {
            rules.groups.push(RuleGroup {
                name: FORM_RULES_NAME.to_owned(),
                interval_ms: None,
                query_offset_ms: None,
                limit: 0,
                rules: Vec::new(),
            });
        }
        let is_named = |rule: &Rule, name: &str| rule.name() == name;
        let all = || rules.groups.iter().flat_map(|group| &group.rules);
        if previous_name != Some(&form.name) && all().any(|rule| is_named(rule, &form.name)) {
            return Err(Error::Conflict(format!(
                "there is a rule named `{}` already",
                form.name
            )));
        }
        let mut rule = Some(Rule::Alerting(rule));
        if let Some(previous) = previous_name {
            let place = rules
                .groups
                .iter_mut()
                .flat_map(|group| &mut group.rules)
                .find(|rule| is_named(rule, previous));
            match (place, rule.take()) {
                (Some(place), Some(rule)) => *place = rule,
                _ => {
                    return Err(Error::NotFound {
                        what: "rule",
                        id: previous.to_owned(),
                    });
                }
            }
        }
        rules.groups[0].rules.extend(rule);
        self.put_rule_file(transaction, FORM_RULES_NAME, &rules.to_yaml(), user)
            .await?;
        Ok(())
    }

    /// The simple form of a rule; `None` where the rule says more than the form can.
    pub fn form_of(&self, key: &RuleKey) -> Result<Option<SimpleForm>> {
        match self.find_rule(key)?.1 {
            Rule::Alerting(rule) => Ok(SimpleForm::from_rule(&rule)),
            Rule::Recording(_) => Ok(None),
        }
    }

    /// A rule that is in force, with its group.
    pub fn find_rule(&self, key: &RuleKey) -> Result<(RuleGroup, Rule)> {
        self.loaded()
            .iter()
            .filter(|file| file.name == key.file)
            .flat_map(|file| &file.rules.groups)
            .filter(|group| group.name == key.group)
            .find_map(|group| {
                let (_, rule) = group.identified().find(|(id, _)| *id == key.rule)?;
                Some((group.clone(), rule.clone()))
            })
            .ok_or_else(|| Error::NotFound {
                what: "rule",
                id: key.rule.clone(),
            })
    }

    /// All groups in force, with the state of their rules.
    pub fn groups(&self) -> Vec<GroupView> {
        let groups = self.0.groups.read().unwrap_or_else(PoisonError::into_inner);
        let status = self.0.status.read().unwrap_or_else(PoisonError::into_inner);
        let mut views = Vec::new();
        for file in self.loaded().iter() {
            for group in &file.rules.groups {
                let rules_status = group
                    .identified()
                    .map(|(id, _)| {
                        status
                            .get(&rule_key(&file.name, group, id))
                            .cloned()
                            .unwrap_or_default()
                    })
                    .collect();
                views.push(GroupView {
                    file: file.name.clone(),
                    group: group.clone(),
                    status: groups
                        .get(&(file.name.clone(), group.name.clone()))
                        .cloned()
                        .unwrap_or_default(),
                    rules_status,
                });
            }
        }
        views
    }

    /// When a rule would have fired over stored data, evaluated every `step_ms`.
    pub async fn backtest(
        &self,
        rule: &AlertRule,
        start_ms: TimestampMs,
        end_ms: TimestampMs,
        step_ms: i64,
    ) -> Result<Vec<BacktestSeries>> {
        backtest(
            &self.0.engine,
            &*self.0.queryable,
            rule,
            start_ms,
            end_ms,
            step_ms,
        )
        .await
    }

    /// Why a rule fires or does not: what its last evaluation saw of each series. Where another
    /// server evaluates, it is looked at now, without writing anything.
    pub async fn explain(&self, key: &RuleKey) -> Result<Vec<SeriesExplanation>> {
        let (group, rule) = self.find_rule(key)?;
        if let Rule::Alerting(rule) = rule
            && rule.options.is_enabled
            && self.leadership().role == Role::Standby
        {
            return self.explain_now(key, &group, &rule).await;
        }
        let status = self.0.status.read().unwrap_or_else(PoisonError::into_inner);
        Ok(status
            .get(key)
            .map(|status| status.explanations.clone())
            .unwrap_or_default())
    }

    async fn explain_now(
        &self,
        key: &RuleKey,
        group: &RuleGroup,
        rule: &AlertRule,
    ) -> Result<Vec<SeriesExplanation>> {
        let now_ms = self.now_ms();
        let offset_ms = group
            .query_offset_ms
            .unwrap_or_else(|| self.0.config.query_offset.as_millis());
        let query_ms = now_ms - offset_ms;
        let measured = measure(&self.0.engine, &*self.0.queryable, rule, query_ms).await?;
        let outcome = self
            .outcome_of(key, rule, measured, group.limit, now_ms, query_ms)
            .await?;
        Ok(outcome.explanations)
    }
}

pub(super) fn rule_key(file: &str, group: &RuleGroup, id: String) -> RuleKey {
    RuleKey {
        file: file.to_owned(),
        group: group.name.clone(),
        rule: id,
    }
}

fn too_long(name: &str) -> Option<String> {
    (name.chars().count() > MAX_NAME_CHARS)
        .then(|| format!("the name `{name}` is longer than {MAX_NAME_CHARS} characters"))
}
