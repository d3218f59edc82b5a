//! Which channels an alert goes to, grouped how, told how often, and to whom next when nobody
//! acknowledges it. The semantics are those of Alertmanager's routing tree.

use serde::{Deserialize, Serialize};
use yunhai_model::{ChannelId, HumanDuration, Labels};

use crate::label_matcher::{LabelMatcher, all_match};

/// A node of the routing tree. What is not set is inherited from the node above.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Route {
    /// Which alerts come here; none for all.
    pub matchers: Vec<LabelMatcher>,
    /// Where they are told; none for the channels of the node above.
    pub channels: Vec<ChannelId>,
    /// The labels that make a group; `...` for every label, which makes each alert its own group.
    pub group_by: Option<Vec<String>>,
    /// How long a new group waits for more alerts.
    pub group_wait: Option<HumanDuration>,
    /// How long a group waits before it tells of changes.
    pub group_interval: Option<HumanDuration>,
    /// After how long an unchanged group is told again.
    pub repeat_interval: Option<HumanDuration>,
    /// Whether the routes after this one are tried as well.
    #[serde(rename = "continue")]
    pub is_continued: bool,
    /// Who is told when nobody acknowledges; none for those of the node above.
    pub escalations: Vec<Escalation>,
    /// The routes below, tried in order.
    pub routes: Vec<Route>,
}

/// Who is told when an alert has fired for some time and nobody has acknowledged it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Escalation {
    /// How long after the alert fired.
    pub after: HumanDuration,
    /// Where it is told then.
    pub channels: Vec<ChannelId>,
}

/// A route with everything inherited.
#[derive(Clone, Debug, PartialEq)]
pub struct Destination {
    /// The route's place in the tree, counted from zero, such as `0.2`; empty for the root.
    pub route: String,
    /// Where alerts are told.
    pub channels: Vec<ChannelId>,
    /// The labels that make a group; `...` for every label.
    pub group_by: Vec<String>,
    /// How long a new group waits for more alerts.
    pub group_wait_ms: i64,
    /// How long a group waits before it tells of changes.
    pub group_interval_ms: i64,
    /// After how long an unchanged group is told again.
    pub repeat_interval_ms: i64,
    /// Who is told when nobody acknowledges.
    pub escalations: Vec<Escalation>,
}

impl Default for Destination {
    fn default() -> Self {
        Self {
            route: String::new(),
            channels: Vec::new(),
            group_by: vec!["alertname".to_owned()],
            group_wait_ms: 30_000,
            group_interval_ms: 5 * 60_000,
            repeat_interval_ms: 4 * 3_600_000,
            escalations: Vec::new(),
        }
    }
}

impl Destination {
    /// The labels by which an alert is grouped here.
    pub fn group_labels(&self, labels: &Labels) -> Labels {
        if self.group_by.iter().any(|name| name == "...") {
            return labels.clone();
        }
        let names: Vec<&str> = self.group_by.iter().map(String::as_str).collect();
        labels.only(&names)
    }

    fn below(&self, route: &Route, place: String) -> Self {
        let ms =
            |set: Option<HumanDuration>, inherited| set.map_or(inherited, HumanDuration::as_millis);
        Self {
            route: place,
            channels: if route.channels.is_empty() {
                self.channels.clone()
            } else {
                route.channels.clone()
            },
            group_by: route
                .group_by
                .clone()
                .unwrap_or_else(|| self.group_by.clone()),
            group_wait_ms: ms(route.group_wait, self.group_wait_ms),
            group_interval_ms: ms(route.group_interval, self.group_interval_ms),
            repeat_interval_ms: ms(route.repeat_interval, self.repeat_interval_ms),
            escalations: if route.escalations.is_empty() {
                self.escalations.clone()
            } else {
                route.escalations.clone()
            },
        }
    }
}

impl Route {
    /// The destinations of an alert. This node's own matchers count, except at the root, which
    /// takes every alert.
    pub(crate) fn destinations(&self, labels: &Labels) -> Vec<Destination> {
        let root = Destination::default().below(self, String::new());
        let mut found = Vec::new();
        self.collect(&root, labels, &mut found);
        found
    }

    fn collect(&self, this: &Destination, labels: &Labels, found: &mut Vec<Destination>) {
        let before = found.len();
        for (number, route) in self.routes.iter().enumerate() {
            if !all_match(&route.matchers, labels) {
                continue;
            }
            let place = if this.route.is_empty() {
                number.to_string()
            } else {
                format!("{}.{number}", this.route)
            };
            route.collect(&this.below(route, place), labels, found);
            if !route.is_continued {
                break;
            }
        }
        if found.len() == before {
            found.push(this.clone());
        }
    }

    /// All channels that the tree names.
    pub fn channels(&self) -> Vec<ChannelId> {
        let mut channels = self.channels.clone();
        channels.extend(
            self.escalations
                .iter()
                .flat_map(|step| step.channels.clone()),
        );
        channels.extend(self.routes.iter().flat_map(Self::channels));
        channels.sort_unstable();
        channels.dedup();
        channels
    }

    /// Tells what is wrong with the tree, each with its place (`routes[0].group_by`).
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if !self.matchers.is_empty() {
            faults.push("matchers: the root takes every alert and cannot have matchers".to_owned());
        }
        self.collect_faults("", &mut faults);
        faults
    }

    fn collect_faults(&self, place: &str, faults: &mut Vec<String>) {
        for name in self.group_by.iter().flatten() {
            if name != "..." && !yunhai_model::is_valid_label_name(name) {
                faults.push(format!("{place}group_by: `{name}` is not a label name"));
            }
        }
        for (field, duration) in [
            ("group_interval", self.group_interval),
            ("repeat_interval", self.repeat_interval),
        ] {
            if duration.is_some_and(|duration| duration.as_millis() == 0) {
                faults.push(format!("{place}{field}: it must be longer than zero"));
            }
        }
        for (number, step) in self.escalations.iter().enumerate() {
            if step.channels.is_empty() {
                faults.push(format!(
                    "{place}escalations[{number}].channels: name at least one channel"
                ));
            }
        }
        for (number, route) in self.routes.iter().enumerate() {
            route.collect_faults(&format!("{place}routes[{number}]."), faults);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(matcher: &str) -> Route {
        Route {
            matchers: vec![matcher.parse().unwrap()],
            ..Route::default()
        }
    }

    fn places(tree: &Route, pairs: &[(&str, &str)]) -> Vec<String> {
        let labels = Labels::new(pairs.iter().copied());
        tree.destinations(&labels)
            .into_iter()
            .map(|found| found.route)
            .collect()
    }

    #[test]
    fn the_deepest_matching_route_takes_the_alert() {
        let tree = Route {
            routes: vec![
                Route {
                    routes: vec![route("server=~\"db.*\"")],
                    ..route("severity=critical")
                },
                Route {
                    is_continued: true,
                    ..route("team=a")
                },
                route("tier=1"),
            ],
            ..Route::default()
        };
        assert_eq!(places(&tree, &[]), [""]);
        assert_eq!(places(&tree, &[("severity", "critical")]), ["0"]);
        assert_eq!(
            places(&tree, &[("severity", "critical"), ("server", "db1")]),
            ["0.0"]
        );
        assert_eq!(places(&tree, &[("team", "a"), ("tier", "1")]), ["1", "2"]);
    }

    #[test]
    fn what_is_not_set_is_inherited() {
        let channel = ChannelId::new();
        let tree = Route {
            channels: vec![channel],
            group_wait: Some(HumanDuration::from_secs(1)),
            routes: vec![Route {
                group_by: Some(vec!["...".into()]),
                ..route("a=b")
            }],
            ..Route::default()
        };
        let labels = Labels::new([("a", "b"), ("c", "d")]);
        let found = &tree.destinations(&labels)[0];
        assert_eq!(
            (found.channels.as_slice(), found.group_wait_ms),
            (&[channel][..], 1000)
        );
        assert_eq!(found.group_labels(&labels), labels);
        assert_eq!(tree.channels(), [channel]);
    }

    #[test]
    fn faults_have_their_place() {
        let mut tree = route("a=b");
        tree.routes.push(Route {
            group_by: Some(vec!["0".into()]),
            repeat_interval: Some(HumanDuration::from_secs(0)),
            ..Route::default()
        });
        let faults = tree.faults().join("\n");
        assert!(
            faults.contains("the root") && faults.contains("routes[0].group_by"),
            "{faults}"
        );
    }
}
