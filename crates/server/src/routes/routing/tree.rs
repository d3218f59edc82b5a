//! The tree of routes, as it travels and as alerting keeps it.

use std::fmt::Display;
use std::str::FromStr;

use yunhai_api_types::{Escalation, Fault, Problem, ProblemCode, Route};

use crate::error::ApiResult;

/// Reads a tree, naming everything that is wrong in it.
pub(super) fn route_from(root: &Route) -> ApiResult<yunhai_monitor::Route> {
    let mut reading = Reading::default();
    let route = reading.route("", root);
    if reading.faults.is_empty() {
        return Ok(route);
    }
    let problem = Problem::new(ProblemCode::ValidationFailed, "a route is not valid");
    Err(problem.with_errors(reading.faults).into())
}

/// Writes a tree as it travels.
pub(super) fn route_of(route: &yunhai_monitor::Route) -> Route {
    let escalations = route.escalations.iter();
    Route {
        matchers: texts(&route.matchers),
        channels: texts(&route.channels),
        group_by: route.group_by.clone(),
        group_wait: route.group_wait.map(|wait| wait.to_string()),
        group_interval: route.group_interval.map(|interval| interval.to_string()),
        repeat_interval: route.repeat_interval.map(|interval| interval.to_string()),
        is_continued: route.is_continued,
        escalations: escalations
            .map(|step| Escalation {
                after: step.after.to_string(),
                channels: texts(&step.channels),
            })
            .collect(),
        routes: route.routes.iter().map(route_of).collect(),
    }
}

fn texts<T: Display>(values: &[T]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}

/// What was wrong so far.
#[derive(Default)]
struct Reading {
    faults: Vec<Fault>,
}

impl Reading {
    fn route(&mut self, place: &str, route: &Route) -> yunhai_monitor::Route {
        let mut escalations = Vec::new();
        for (at, step) in route.escalations.iter().enumerate() {
            let place = format!("{place}/escalations/{at}");
            let after = self.one(format!("{place}/after"), &step.after);
            let channels = self.all(&format!("{place}/channels"), &step.channels);
            escalations.extend(after.map(|after| yunhai_monitor::Escalation { after, channels }));
        }
        let mut routes = Vec::new();
        for (at, below) in route.routes.iter().enumerate() {
            routes.push(self.route(&format!("{place}/routes/{at}"), below));
        }
        let mut duration = |field: &str, text: &Option<String>| {
            let text = text.as_ref()?;
            self.one(format!("{place}/{field}"), text)
        };
        yunhai_monitor::Route {
            group_by: route.group_by.clone(),
            group_wait: duration("group_wait", &route.group_wait),
            group_interval: duration("group_interval", &route.group_interval),
            repeat_interval: duration("repeat_interval", &route.repeat_interval),
            is_continued: route.is_continued,
            matchers: self.all(&format!("{place}/matchers"), &route.matchers),
            channels: self.all(&format!("{place}/channels"), &route.channels),
            escalations,
            routes,
        }
    }

    fn all<T: FromStr<Err: Display>>(&mut self, place: &str, texts: &[String]) -> Vec<T> {
        let texts = texts.iter().enumerate();
        texts
            .filter_map(|(at, text)| self.one(format!("{place}/{at}"), text))
            .collect()
    }

    fn one<T: FromStr<Err: Display>>(&mut self, place: String, text: &str) -> Option<T> {
        let read = text.parse().map_err(|error: T::Err| {
            self.faults.push(Fault {
                pointer: Some(place),
                detail: error.to_string(),
                ..Fault::default()
            });
        });
        read.ok()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(tree: Value) -> ApiResult<yunhai_monitor::Route> {
        route_from(&serde_json::from_value(tree).unwrap())
    }

    #[test]
    fn a_tree_travels_there_and_back() {
        let channel = "01J00000000000000000000000";
        let tree = json!({
            "matchers": ["team=\"web\""], "channels": [channel], "group_by": ["server"],
            "group_wait": "10s", "group_interval": "1m", "repeat_interval": "4h",
            "continue": true, "escalations": [{"after": "15m", "channels": [channel]}],
            "routes": [],
        });
        let tree = json!({
            "matchers": [], "channels": [], "group_by": null, "group_wait": null,
            "group_interval": null, "repeat_interval": null, "continue": false,
            "escalations": [], "routes": [tree],
        });
        let route = read(tree.clone()).unwrap();
        assert_eq!(serde_json::to_value(route_of(&route)).unwrap(), tree);
        // What is stored reads the same.
        assert_eq!(serde_json::to_value(&route).unwrap(), tree);
    }

    #[test]
    fn everything_that_is_wrong_is_named_with_its_place() {
        let tree = json!({
            "channels": ["ops"],
            "routes": [{
                "matchers": ["team=web", "team"], "group_wait": "soon",
                "escalations": [{"after": "later", "channels": [""]}],
            }],
        });
        let faults = read(tree).unwrap_err().0.errors;
        let mut places: Vec<_> = faults.into_iter().filter_map(|one| one.pointer).collect();
        places.sort_unstable();
        assert_eq!(
            places,
            [
                "/channels/0",
                "/routes/0/escalations/0/after",
                "/routes/0/escalations/0/channels/0",
                "/routes/0/group_wait",
                "/routes/0/matchers/1",
            ]
        );
    }
}
