//! Rule files and forms in the database.

use yunhai_model::PageRequest;
use yunhai_monitor::{
    AlertFilter, AlertState, DEFAULT_RULES_NAME, Error, Expected, FORM_RULES_NAME, Route, RuleKey,
    SimpleForm,
};

use super::support::{House, START_MS, change, on_every_database};

fn form(name: &str) -> SimpleForm {
    serde_json::from_value(serde_json::json!({
        "name": name, "metric": "cpu", "comparison": ">", "threshold": 0.9, "severity": "critical",
        "matchers": ["server=~\"a|b\""],
    }))
    .unwrap()
}

/// The alerts that are there, by rule and severity.
async fn active(house: &House) -> Vec<String> {
    let filter = AlertFilter {
        states: vec![AlertState::Pending, AlertState::Firing],
        ..AlertFilter::default()
    };
    let page = PageRequest::default();
    let alerts = house.monitor.alerts(&filter, &page).await.unwrap();
    let mut alerts: Vec<String> = alerts
        .items
        .iter()
        .map(|alert| format!("{} {}", alert.rule.rule, alert.severity()))
        .collect();
    alerts.sort();
    alerts
}

on_every_database! {
    async fn deleted_default_rules_stay_deleted(house: &mut House) {
        house.restart().await;
        let files = house.monitor.rule_files().await.unwrap();
        assert!(files.iter().all(|file| file.name != DEFAULT_RULES_NAME));
    }

    async fn a_form_makes_a_rule_that_fires_and_is_edited(house: &mut House) {
        change!(house.database, house.monitor => put_form(&form("Hot"), None, "ann")).unwrap();
        assert!(matches!(change!(house.database, house.monitor => put_form(&form("Hot"), None, "ann")), Err(Error::Conflict(_))));
        assert_eq!(house.step(60, &[("a", 0.95), ("z", 0.95)]).await, ["a firing"]);
        let key = RuleKey { file: FORM_RULES_NAME.into(), group: FORM_RULES_NAME.into(), rule: "Hot".into() };
        assert_eq!(house.monitor.form_of(&key).unwrap(), Some(form("Hot")));
        let changed = SimpleForm { threshold: 0.99, ..form("Hot") };
        change!(house.database, house.monitor => put_form(&changed, Some("Hot"), "ann")).unwrap();
        assert_eq!(house.step(60, &[("a", 0.95)]).await, ["a resolved"]);
    }

    async fn alerts_end_with_their_rule(house: &mut House) {
        change!(house.database, house.monitor => put_form(&form("Hot"), None, "ann")).unwrap();
        house.step(60, &[("a", 0.95)]).await;
        change!(house.database, house.monitor => delete_rule_file(FORM_RULES_NAME)).unwrap();
        assert_eq!(house.step(60, &[("a", 0.95)]).await, ["a resolved"]);
    }

    async fn a_wrong_file_changes_nothing(house: &mut House) {
        house.rules("groups: []").await;
        let error = change!(house.database, house.monitor => put_rule_file("test", "groups: [{name: x, rules: [{alert: A, expr: 'up >'}]}]", "ann"));
        let Err(Error::RuleFile(faults)) = error else { panic!("{error:?}") };
        assert_eq!(faults.0[0].line, 1);
        assert_eq!(house.monitor.rule_file("test").await.unwrap().source, "groups: []");
    }

    async fn a_file_is_replaced_only_while_it_is_what_was_read(house: &mut House) {
        let monitor = house.monitor.clone();
        let file = |alert: &str| format!("groups: [{{name: g, rules: [{{alert: {alert}, expr: 'cpu > 0.5'}}]}}]");
        let replace = async |alert: &str, expected: &Expected| {
            match change!(house.database, monitor => replace_rule_file("g", &file(alert), "ann", expected)) {
                Ok(_) => true,
                Err(Error::ChangedMeanwhile { what: "rules" }) => false,
                Err(error) => panic!("{error}"),
            }
        };
        let version = async || Expected::Version(monitor.rule_file("g").await.unwrap().version());
        assert!(!replace("A", &Expected::Version("1".to_owned())).await);
        assert!(replace("A", &Expected::Nothing).await);
        assert!(!replace("B", &Expected::Nothing).await);
        let read = version().await;
        assert!(replace("B", &read).await);
        assert!(!replace("C", &read).await);
        assert_eq!(monitor.rule_file("g").await.unwrap().source, file("B"));
        assert!(replace("C", &version().await).await);
        assert!(replace("D", &Expected::Anything).await);

        // Of two at the same moment one comes too late.
        let read = version().await;
        let (one, other) = tokio::join!(replace("E", &read), replace("F", &read));
        assert!(one != other, "{one} {other}");
        change!(house.database, monitor => delete_rule_file("g")).unwrap();
        let new = Expected::Nothing;
        let (one, other) = tokio::join!(replace("G", &new), replace("H", &new));
        assert!(one != other, "{one} {other}");
    }

    async fn the_routes_are_replaced_only_while_they_are_what_was_read(house: &mut House) {
        let monitor = house.monitor.clone();
        let tree = |name: &str| Route { group_by: Some(vec![name.to_owned()]), ..Route::default() };
        let replace = async |name: &str, expected: &Expected| {
            match change!(house.database, monitor => replace_route(&tree(name), expected)) {
                Ok(_) => true,
                Err(Error::ChangedMeanwhile { what: "routes" }) => false,
                Err(error) => panic!("{error}"),
            }
        };
        let read = Expected::Version(monitor.route().await.unwrap().version());
        assert!(replace("a", &read).await);
        assert!(!replace("b", &read).await);
        let read = Expected::Version(monitor.route().await.unwrap().version());
        assert!(replace("b", &read).await);
        assert!(!replace("c", &read).await);
        assert_eq!(monitor.route().await.unwrap(), tree("b"));
        assert!(replace("c", &Expected::Anything).await);
    }

    async fn rules_of_one_name_keep_apart(house: &mut House) {
        house.rules(r"
groups:
  - name: g
    rules:
      - {alert: Hot, expr: cpu > 0.5, labels: {severity: warning}}
      - {alert: Hot, expr: cpu > 0.9, labels: {severity: critical}}
").await;
        house.step(60, &[("a", 0.7)]).await;
        assert_eq!(active(house).await, ["Hot warning"]);
        house.restart().await;
        house.step(60, &[("a", 0.95)]).await;
        assert_eq!(active(house).await, ["Hot warning", "Hot#2 critical"]);
        let page = PageRequest { sort: "-urgency".parse().ok(), ..PageRequest::default() };
        let alerts = house.monitor.alerts(&AlertFilter::default(), &page).await.unwrap();
        assert_eq!(alerts.items[0].severity(), "critical");
        house.step(60, &[("a", 0.1)]).await;
        assert!(active(house).await.is_empty());
    }

    async fn files_with_groups_of_one_name_stand_beside_each_other(house: &mut House) {
        let file = |alert: &str| format!("groups: [{{name: g, rules: [{{alert: {alert}, expr: 'cpu > 0.5'}}]}}]");
        let apply = async |origin: &str, alert: &str| {
            let applied = change!(house.database, house.monitor => apply_rule_file(Some(origin), &file(alert), "ann")).unwrap();
            (applied[0].after.name.clone(), applied[0].before.is_some())
        };
        assert_eq!(apply("one.yml", "A").await, ("g".to_owned(), false));
        assert_eq!(apply("two.yml", "B").await, ("two.yml/g".to_owned(), false));
        assert_eq!(apply("one.yml", "C").await, ("g".to_owned(), true));
        assert_eq!(apply("two.yml", "D").await, ("two.yml/g".to_owned(), true));
        // A change by hand does not forget where the group came from.
        change!(house.database, house.monitor => put_rule_file("g", &file("E"), "ann")).unwrap();
        assert_eq!(apply("two.yml", "D").await, ("two.yml/g".to_owned(), true));
        house.restart().await;
        house.step(60, &[("a", 0.7)]).await;
        assert_eq!(active(house).await, ["D ", "E "]);
    }

    async fn recording_rules_and_alerts_write_series(house: &mut House) {
        house.rules(r"
groups:
  - name: g
    rules:
      - record: cpu:avg
        expr: avg(cpu)
        labels: {by: me}
      - alert: Hot
        expr: cpu:avg > 0.5
").await;
        house.step(60, &[("a", 0.4), ("b", 0.8)]).await;
        let engine = yunhai_promql::Engine::default();
        let now_ms = START_MS + 60_000;
        for (expr, expected) in [
            ("cpu:avg", "cpu:avg{by=\"me\"}"),
            ("ALERTS", "ALERTS{alertname=\"Hot\", alertstate=\"firing\", by=\"me\"}"),
        ] {
            let yunhai_promql::QueryValue::Vector(found) =
                engine.instant(&house.series, expr, now_ms).await.unwrap() else { panic!() };
            assert_eq!(found[0].labels.to_string(), expected);
        }
        let found = house.monitor.alerts(&AlertFilter::default(), &PageRequest::default()).await.unwrap();
        assert_eq!(found.total, 1);
    }
}
