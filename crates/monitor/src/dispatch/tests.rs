//! What dispatch decides, case by case.

use yunhai_model::{HumanDuration, InhibitionId, SilenceId};

use super::*;
use crate::alert::{AlertKind, RuleKey, fingerprint};
use crate::inhibition::InhibitionSettings;
use crate::state_machine::{Acknowledgement, Instance};

/// A house with one channel, whose plans are carried out at once.
struct House {
    alerts: Vec<Alert>,
    groups: BTreeMap<String, GroupState>,
    route: Route,
    silences: Vec<Silence>,
    inhibitions: Vec<Inhibition>,
    channels: BTreeMap<ChannelId, String>,
}

impl House {
    fn new(group_by: &[&str]) -> Self {
        let channel = ChannelId::new();
        Self {
            alerts: Vec::new(),
            groups: BTreeMap::new(),
            route: Route {
                channels: vec![channel],
                group_by: Some(group_by.iter().map(ToString::to_string).collect()),
                group_wait: Some(HumanDuration::from_secs(30)),
                group_interval: Some(HumanDuration::from_secs(300)),
                repeat_interval: Some(HumanDuration::from_secs(3600)),
                ..Route::default()
            },
            silences: Vec::new(),
            inhibitions: Vec::new(),
            channels: BTreeMap::from([(channel, "ops".to_owned())]),
        }
    }

    fn fire(&mut self, server: &str, severity: &str, at_secs: i64) {
        let rule = RuleKey {
            file: "f".into(),
            group: "g".into(),
            rule: "r".into(),
        };
        let labels = Labels::new([
            ("alertname", "r"),
            ("server", server),
            ("severity", severity),
        ]);
        self.alerts.push(Alert {
            id: AlertId::new(),
            fingerprint: fingerprint(&rule, AlertKind::Expression, &labels),
            rule,
            kind: AlertKind::Expression,
            series: labels.clone(),
            labels,
            muted_by: Vec::new(),
            version: 0,
            annotations: BTreeMap::new(),
            instance: Instance {
                state: AlertState::Firing,
                active_since_ms: at_secs * 1000,
                fired_at_ms: Some(at_secs * 1000),
                ended_at_ms: None,
                last_active_ms: at_secs * 1000,
                value: 1.0,
                acknowledgement: None,
                changes_ms: Vec::new(),
                flapping_since_ms: None,
            },
        });
    }

    fn alert(&mut self, server: &str) -> &mut Alert {
        self.alerts
            .iter_mut()
            .rev()
            .find(|alert| alert.labels.get("server") == Some(server))
            .unwrap()
    }

    fn end(&mut self, server: &str, at_secs: i64) {
        let instance = &mut self.alert(server).instance;
        instance.state = AlertState::Resolved;
        instance.ended_at_ms = Some(at_secs * 1000);
    }

    fn input(&self, now_ms: i64) -> DispatchInput<'_> {
        DispatchInput {
            alerts: &self.alerts,
            groups: &self.groups,
            route: &self.route,
            silences: &self.silences,
            windows: &[],
            inhibitions: &self.inhibitions,
            channels: &self.channels,
            external_url: "http://yunhai.test",
            now_ms,
            waits: true,
        }
    }

    /// Plans and carries out; prints `occasion: server status, …` for each notification.
    fn tick(&mut self, at_secs: i64) -> Vec<String> {
        let plan = plan(&self.input(at_secs * 1000));
        for group in plan.removed {
            self.groups.remove(&group.key);
        }
        for group in plan.groups {
            self.groups.insert(group.key.clone(), group);
        }
        self.alerts
            .retain(|alert| !plan.settled.contains(&alert.id));
        let print = |outgoing: &Outgoing| {
            let alerts: Vec<_> = outgoing
                .notification
                .alerts
                .iter()
                .map(|alert| {
                    let status = alert.status.as_str();
                    format!("{} {status}", alert.labels.get("server").unwrap())
                })
                .collect();
            format!("{:?}: {}", outgoing.occasion, alerts.join(", "))
        };
        plan.outgoing.iter().map(print).collect()
    }
}

const NOTHING: [&str; 0] = [];

#[test]
fn a_clock_that_is_set_back_holds_nothing_up() {
    let mut house = House::new(&["alertname"]);
    house.fire("a", "warning", 10_000);
    assert_eq!(house.tick(10_000), NOTHING);
    assert_eq!(house.tick(10_030), ["Change: a firing"]);
    assert_eq!(house.tick(2_000), NOTHING, "the interval begins anew");
    house.end("a", 2_100);
    assert_eq!(house.tick(2_300), ["Change: a resolved"]);

    house.fire("b", "warning", 10_000);
    assert_eq!(house.tick(10_000), NOTHING);
    assert_eq!(house.tick(3_000), NOTHING);
    assert_eq!(house.tick(3_030), ["Change: b firing"]);
}

#[test]
fn a_group_waits_then_tells_changes_at_its_interval_and_repeats() {
    let mut house = House::new(&["alertname"]);
    house.fire("a", "warning", 0);
    assert_eq!(house.tick(0), NOTHING);
    house.fire("b", "warning", 10);
    assert_eq!(house.tick(30), ["Change: a firing, b firing"]);
    house.end("a", 40);
    assert_eq!(house.tick(60), NOTHING, "within the group interval");
    assert_eq!(house.tick(330), ["Change: b firing, a resolved"]);
    assert_eq!(
        house.alerts.len(),
        1,
        "what was told of to the end is settled"
    );
    assert_eq!(house.tick(3000), NOTHING);
    assert_eq!(house.tick(3930), ["Repeat: b firing"]);
    house.end("b", 4000);
    assert_eq!(house.tick(4300), ["Change: b resolved"]);
    assert!(house.groups.is_empty() && house.alerts.is_empty());
}

#[test]
fn an_alert_that_ends_within_the_wait_is_not_told() {
    let mut house = House::new(&["server"]);
    house.fire("a", "warning", 0);
    house.tick(0);
    house.end("a", 10);
    assert_eq!(house.tick(40), NOTHING);
    assert!(house.groups.is_empty() && house.alerts.is_empty());
}

#[test]
fn the_same_decision_has_the_same_id_and_another_one_has_not() {
    let mut house = House::new(&["server"]);
    house.fire("a", "warning", 0);
    house.tick(0);
    let input = |house: &House, now_ms| {
        plan(&DispatchInput {
            alerts: &house.alerts,
            groups: &house.groups,
            route: &house.route,
            silences: &[],
            windows: &[],
            inhibitions: &[],
            channels: &house.channels,
            external_url: "",
            now_ms,
            waits: true,
        })
    };
    let (first, again) = (input(&house, 30_000), input(&house, 31_000));
    assert_eq!(first.outgoing[0].id, again.outgoing[0].id);
    house.tick(30);
    house.end("a", 40);
    assert_ne!(input(&house, 400_000).outgoing[0].id, first.outgoing[0].id);
}

#[test]
fn a_silenced_alert_is_told_when_the_silence_ends() {
    let mut house = House::new(&["server"]);
    house.fire("a", "warning", 0);
    house.silences.push(Silence {
        id: SilenceId::new(),
        matchers: vec!["server=a".parse().unwrap()],
        comment: "x".into(),
        author: "x".into(),
        starts_at_ms: 0,
        ends_at_ms: 600_000,
        created_at_ms: 0,
        changed: None,
    });
    house.tick(0);
    assert_eq!(house.tick(30), NOTHING);
    assert_eq!(house.tick(660), ["Change: a firing"]);
}

#[test]
fn silences_that_apply_are_found_whatever_they_demand() {
    let mut house = House::new(&["server"]);
    house.fire("a", "warning", 0);
    house.fire("b", "critical", 0);
    let all = [
        "server=a",
        "server=~a|b",
        "server!=a",
        "missing=\"\"",
        "missing=x",
        "severity=critical",
        "severity=info",
    ];
    for matcher in all {
        house.silences.push(Silence {
            id: SilenceId::new(),
            matchers: vec!["alertname=r".parse().unwrap(), matcher.parse().unwrap()],
            comment: matcher.into(),
            author: "x".into(),
            starts_at_ms: 0,
            ends_at_ms: 600_000,
            created_at_ms: 0,
            changed: None,
        });
        let alone = Silence {
            matchers: vec![matcher.parse().unwrap()],
            ..house.silences.last().unwrap().clone()
        };
        house.silences.push(alone);
    }
    let input = house.input(1000);
    for (alert, count) in house.alerts.iter().zip([6, 8]) {
        let applying: Vec<Muting> = house
            .silences
            .iter()
            .filter(|silence| silence.applies(&alert.labels, 1000))
            .map(|silence| Muting::Silence(silence.id.to_string()))
            .collect();
        assert_eq!(applying.len(), count);
        assert_eq!(mutings_of(&alert.labels, &input), applying);
    }
    // Once they are over, none holds.
    assert_eq!(
        mutings_of(&house.alerts[0].labels, &house.input(600_000)),
        []
    );
}

#[test]
fn of_many_alerts_the_first_are_told_one_by_one_and_all_are_counted() {
    let mut house = House::new(&["severity"]);
    for number in 0..=MAX_ALERTS {
        house.fire(&format!("s{number:05}"), "warning", 0);
    }
    house.tick(0);
    let first = plan(&house.input(30_000)).outgoing.remove(0);
    assert_eq!(first.notification.alerts.len(), MAX_ALERTS);
    assert_eq!(first.alerts.len(), MAX_ALERTS);
    assert_eq!(first.notification.counts(), (MAX_ALERTS + 1, 0));
    house.tick(30);

    // Also the end of one that was only counted is told, since it was told as firing.
    house.end(&format!("s{MAX_ALERTS:05}"), 40);
    let second = plan(&house.input(600_000)).outgoing.remove(0);
    assert_eq!(second.notification.counts(), (MAX_ALERTS, 1));
}

#[test]
fn a_critical_alert_silences_the_warning_of_its_server() {
    let mut house = House::new(&["severity", "server"]);
    house.inhibitions.push(Inhibition {
        id: InhibitionId::new(),
        settings: InhibitionSettings {
            name: "critical over warning".into(),
            source: vec!["severity=critical".parse().unwrap()],
            target: vec!["severity=warning".parse().unwrap()],
            equal: vec!["server".into()],
            is_enabled: true,
        },
        author: "ann".into(),
        created_at_ms: 0,
    });
    house.fire("a", "critical", 0);
    house.fire("a", "warning", 0);
    house.fire("b", "warning", 0);
    house.tick(0);
    let mut told = house.tick(30);
    told.sort();
    assert_eq!(told, ["Change: a firing", "Change: b firing"]);
}

#[test]
fn an_unacknowledged_alert_escalates_and_an_acknowledged_one_is_not_repeated() {
    let mut house = House::new(&["server"]);
    let second = ChannelId::new();
    house.channels.insert(second, "boss".to_owned());
    house.route.escalations = vec![crate::routing::Escalation {
        after: HumanDuration::from_secs(900),
        channels: vec![second],
    }];
    house.fire("a", "warning", 0);
    house.fire("b", "warning", 0);
    house.tick(0);
    assert_eq!(house.tick(30).len(), 2);
    let alert = house.alert("b");
    alert.instance.state = AlertState::Acknowledged;
    alert.instance.acknowledgement = Some(Acknowledgement {
        user: "u".into(),
        comment: String::new(),
        at_ms: 60_000,
    });
    assert_eq!(house.tick(900), ["Escalation: a firing"]);
    assert_eq!(house.tick(3700), ["Repeat: a firing"]);
    house.end("a", 3800);
    let told = house.tick(4800);
    assert_eq!(
        told,
        ["Change: a resolved", "Change: a resolved"],
        "both channels hear the end"
    );
}

#[test]
fn a_flapping_alert_is_told_once_as_firing_until_it_calms() {
    let mut house = House::new(&["server"]);
    house.fire("a", "warning", 0);
    house.tick(0);
    house.alert("a").instance.flapping_since_ms = Some(20_000);
    house.end("a", 20);
    assert_eq!(house.tick(30), ["Change: a firing"]);
    assert_eq!(house.tick(1000), NOTHING);
    house.alert("a").instance.flapping_since_ms = None;
    assert_eq!(house.tick(2000), ["Change: a resolved"]);
}
