//! Rule files and forms in the database.

use yunhai_model::PageRequest;
use yunhai_monitor::{
    AlertFilter, DEFAULT_RULES_NAME, Error, FORM_RULES_NAME, RuleKey, SimpleForm,
};

use super::support::{House, START_MS, on_every_database};

fn form(name: &str) -> SimpleForm {
    serde_json::from_value(serde_json::json!({
        "name": name, "metric": "cpu", "comparison": ">", "threshold": 0.9, "severity": "critical",
        "matchers": ["server=~\"a|b\""],
    }))
    .unwrap()
}

on_every_database! {
    async fn deleted_default_rules_stay_deleted(house: &mut House) {
        house.restart().await;
        let files = house.monitor.rule_files().await.unwrap();
        assert!(files.iter().all(|file| file.name != DEFAULT_RULES_NAME));
    }

    async fn a_form_makes_a_rule_that_fires_and_is_edited(house: &mut House) {
        house.monitor.put_form(&form("Hot"), None, "ann").await.unwrap();
        assert!(matches!(house.monitor.put_form(&form("Hot"), None, "ann").await, Err(Error::Conflict(_))));
        assert_eq!(house.step(60, &[("a", 0.95), ("z", 0.95)]).await, ["a firing"]);
        let key = RuleKey { file: FORM_RULES_NAME.into(), group: FORM_RULES_NAME.into(), rule: "Hot".into() };
        assert_eq!(house.monitor.form_of(&key).unwrap(), Some(form("Hot")));
        let changed = SimpleForm { threshold: 0.99, ..form("Hot") };
        house.monitor.put_form(&changed, Some("Hot"), "ann").await.unwrap();
        assert_eq!(house.step(60, &[("a", 0.95)]).await, ["a resolved"]);
    }

    async fn alerts_end_with_their_rule(house: &mut House) {
        house.monitor.put_form(&form("Hot"), None, "ann").await.unwrap();
        house.step(60, &[("a", 0.95)]).await;
        house.monitor.delete_rule_file(FORM_RULES_NAME).await.unwrap();
        assert_eq!(house.step(60, &[("a", 0.95)]).await, ["a resolved"]);
    }

    async fn a_wrong_file_changes_nothing(house: &mut House) {
        house.rules("groups: []").await;
        let error = house.monitor.put_rule_file("test", "groups: [{name: x, rules: [{alert: A, expr: 'up >'}]}]", "ann").await;
        let Err(Error::RuleFile(faults)) = error else { panic!("{error:?}") };
        assert_eq!(faults.0[0].line, 1);
        assert_eq!(house.monitor.rule_file("test").await.unwrap().source, "groups: []");
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
