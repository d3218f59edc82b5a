//! What a round of questions brings, and what it does where something cannot be had.

use yunhai_cloud::{ErrorKind, PowerState};
use yunhai_test_support::databases::Engine;

use crate::it::support::{House, INTERVAL_MS, START_MS, new_account, server};

const HOUR_MS: i64 = 3_600_000;

#[tokio::test]
async fn servers_and_what_is_measured_of_them_are_kept() {
    for engine in [Engine::Sqlite, Engine::Postgres, Engine::Mysql] {
        let house = House::new(engine).await;
        let id = house.add("prod").await.id;
        house.script().servers = (0..450)
            .map(|n| server(if n % 2 == 0 { "a" } else { "b" }, &format!("i-{n}"), "web"))
            .collect();
        let report = house.inventory.ask(id).await.unwrap();
        assert_eq!((report.servers, report.samples), (450, 450));
        assert_eq!(report.missing, []);
        let cpu = "server_cpu_utilization_ratio";
        assert_eq!(
            house.samples.of(cpu, "server").len(),
            450,
            "each has its own label"
        );
        assert_eq!(house.samples.of(cpu, "account"), ["prod"]);
        assert_eq!(house.samples.of(cpu, "provider"), ["aws"]);
        assert_eq!(house.samples.of(cpu, "region"), ["a", "b"]);
        assert_eq!(house.samples.of(cpu, "tag_cost_center"), ["42"]);
        assert_eq!(house.samples.newest("cloud_account_up"), Some(1.0));
        let again = house.restarted().await;
        assert_eq!(again.servers(), house.inventory.servers());
        assert_eq!(
            again.accounts()[0].last_round.as_ref().unwrap().servers,
            450
        );

        house.script().servers.truncate(1);
        house.clock.advance_ms(INTERVAL_MS);
        house.inventory.ask(id).await.unwrap();
        let gone = house.inventory.servers();
        let deleted = gone
            .iter()
            .filter(|s| s.details.state == PowerState::Deleted);
        assert_eq!(deleted.count(), 449);
        house.clock.advance_ms(8 * 24 * HOUR_MS);
        house.inventory.ask(id).await.unwrap();
        assert_eq!(house.inventory.servers().len(), 1, "forgotten after a week");
        assert_eq!(house.restarted().await.servers().len(), 1);
    }
}

#[tokio::test]
async fn a_region_that_was_away_catches_up_and_the_others_do_not_pay_for_it() {
    let house = House::new(Engine::Sqlite).await;
    let id = house.add("prod").await.id;
    house.script().servers = vec![server("a", "i-1", "one"), server("b", "i-2", "two")];
    house.inventory.ask(id).await.unwrap();
    house
        .script()
        .broken_regions
        .insert("b".to_owned(), ErrorKind::Throttled);
    for _ in 0..24 {
        house.clock.advance_ms(INTERVAL_MS);
        let report = house.inventory.ask(id).await.unwrap();
        assert_eq!(report.missing.len(), 1, "told once: {:?}", report.missing);
        assert_eq!(house.samples.newest("cloud_account_up"), Some(0.0));
    }
    assert_eq!(house.inventory.servers().len(), 2, "nothing is hidden");
    house.script().broken_regions.clear();
    house.script().asked.clear();
    house.clock.advance_ms(INTERVAL_MS);
    house.inventory.ask(id).await.unwrap();
    let now_ms = START_MS + 25 * INTERVAL_MS;
    let asked = house.script().asked.clone();
    let from = |region: &str| asked.iter().find(|asked| asked.0 == region).unwrap().1;
    assert_eq!(
        from("a"),
        now_ms - 4 * INTERVAL_MS,
        "three intervals overlap"
    );
    assert_eq!(from("b"), START_MS - 3 * INTERVAL_MS, "all that was missed");
}

#[tokio::test]
async fn what_was_missed_for_days_is_asked_for_a_day_back() {
    let house = House::new(Engine::Sqlite).await;
    let id = house.add("prod").await.id;
    house.script().servers = vec![server("a", "i-1", "one")];
    house.inventory.ask(id).await.unwrap();
    house.clock.advance_ms(3 * 24 * HOUR_MS);
    house.script().asked.clear();
    house.inventory.ask(id).await.unwrap();
    let now_ms = START_MS + 3 * 24 * HOUR_MS;
    assert_eq!(house.script().asked[0].1, now_ms - 24 * HOUR_MS);
}

#[tokio::test]
async fn what_could_not_be_stored_is_asked_for_again() {
    let house = House::new(Engine::Sqlite).await;
    let id = house.add("prod").await.id;
    house.script().servers = vec![server("a", "i-1", "one")];
    house.inventory.ask(id).await.unwrap();
    house.samples.0.lock().unwrap().failure = Some("the disk is full".to_owned());
    for _ in 0..10 {
        house.clock.advance_ms(INTERVAL_MS);
        house.inventory.ask(id).await.unwrap();
    }
    house.samples.0.lock().unwrap().failure = None;
    house.script().asked.clear();
    house.clock.advance_ms(INTERVAL_MS);
    house.inventory.ask(id).await.unwrap();
    assert_eq!(house.script().asked[0].1, START_MS - 3 * INTERVAL_MS);
}

#[tokio::test]
async fn accounts_that_are_asked_at_once_give_no_name_twice() {
    for engine in [Engine::Sqlite, Engine::Postgres, Engine::Mysql] {
        let house = House::new(engine).await;
        let mut ids = Vec::new();
        for name in ["one", "two", "three", "four"] {
            ids.push(house.add(name).await.id);
        }
        house.script().servers = vec![server("a", "i-1", "web")];
        let rounds = ids.iter().map(|id| house.inventory.ask(*id));
        for round in futures::future::join_all(rounds).await {
            round.unwrap();
        }
        let servers = house.inventory.servers();
        let mut labels: Vec<&str> = servers.iter().map(|s| s.label.as_str()).collect();
        labels.dedup();
        assert_eq!(labels.len(), 4, "{labels:?}");
        assert_eq!(house.restarted().await.servers(), servers);
    }
}

#[tokio::test]
async fn what_is_paid_for_is_counted_though_nobody_waits_for_it() {
    let house = House::new(Engine::Sqlite).await;
    let id = house.add("prod").await.id;
    house.script().servers = vec![server("a", "i-1", "one")];
    house.script().cost_micro_usd = 100;
    let asked = house.inventory.ask(id);
    // Whoever asked goes away at once.
    assert!(futures::FutureExt::now_or_never(asked).is_none());
    for _ in 0..500 {
        if house.inventory.account(id).unwrap().last_round.is_some() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let account = house.inventory.account(id).unwrap();
    assert_eq!(account.budget.spent_micro_usd, 100);
}

#[tokio::test]
async fn servers_that_nobody_asks_about_are_silent() {
    let house = House::new(Engine::Sqlite).await;
    let id = house.add("prod").await.id;
    let mut off = server("a", "i-2", "off");
    off.state = PowerState::Stopped;
    house.script().servers = vec![server("a", "i-1", "on"), off];
    house.inventory.ask(id).await.unwrap();
    let silent = |name: &str| house.inventory.silent_until_ms(name);
    assert_eq!((silent("on"), silent("off")), (None, Some(START_MS)));
    assert_eq!(house.inventory.rhythm_secs("on"), Some((300, 420)));
    let mut paused = new_account("prod");
    paused.settings.is_paused = true;
    paused.access = None;
    house.change(id, paused).await.unwrap();
    assert_eq!(silent("on"), Some(START_MS));
}

#[tokio::test]
async fn a_budget_stops_metrics_before_it_is_overdrawn_and_the_inventory_goes_on() {
    let house = House::new(Engine::Sqlite).await;
    let mut thrifty = new_account("prod");
    thrifty.settings.monthly_budget_micro_usd = Some(250);
    let id = house.try_add(thrifty).await.unwrap().id;
    house.script().servers = vec![server("a", "i-1", "one")];
    house.script().cost_micro_usd = 100;
    let mut over = Vec::new();
    for _ in 0..4 {
        house.clock.advance_ms(INTERVAL_MS);
        let report = house.inventory.ask(id).await.unwrap();
        assert_eq!(report.servers, 1);
        over.push(report.is_over_budget);
    }
    assert_eq!(over, [false, false, true, true]);
    assert_eq!(
        house.inventory.account(id).unwrap().budget.spent_micro_usd,
        200
    );
    assert_eq!(house.samples.newest("cloud_account_over_budget"), Some(1.0));
    // A restart does not forget what was spent, and the next month begins anew.
    let again = house.restarted().await;
    assert!(again.ask(id).await.unwrap().is_over_budget);
    house.clock.advance_ms(31 * 24 * HOUR_MS);
    assert!(!again.ask(id).await.unwrap().is_over_budget);
    assert_eq!(again.account(id).unwrap().budget.spent_micro_usd, 100);
}

#[tokio::test]
async fn what_goes_by_another_name_is_ended_under_the_old_one() {
    let house = House::new(Engine::Sqlite).await;
    let id = house.add("prod").await.id;
    house.script().servers = vec![server("a", "i-1", "one"), server("a", "i-2", "two")];
    house.inventory.ask(id).await.unwrap();
    let ended = || {
        let ended = std::mem::take(&mut house.samples.0.lock().unwrap().ended);
        let of = |labels: &yunhai_model::Labels, name: &str| {
            labels.get(name).unwrap_or_default().to_owned()
        };
        let ended = ended.iter();
        ended
            .map(|by| {
                [
                    of(by, "account"),
                    of(by, "server"),
                    of(by, "tag_cost_center"),
                ]
                .join(" ")
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(ended(), [""; 0], "nothing was there before");
    let tags = [("cost-center".to_owned(), "43".to_owned())];
    house.script().servers[0].tags = tags.into();
    house.clock.advance_ms(INTERVAL_MS);
    house.inventory.ask(id).await.unwrap();
    assert_eq!(ended(), ["prod one 42"]);
    house.inventory.ask(id).await.unwrap();
    assert_eq!(ended(), [""; 0], "once");
    let mut renamed = new_account("production");
    renamed.access = None;
    house.change(id, renamed).await.unwrap();
    assert_eq!(ended(), ["prod  "]);
    house.inventory.ask(id).await.unwrap();
    assert_eq!(ended(), ["prod one 43", "prod two 42"]);
    house.delete(id).await.unwrap();
    assert_eq!(
        ended(),
        ["production one 43", "production two 42", "production  "]
    );
}

#[tokio::test]
async fn a_server_of_ones_own_keeps_its_name() {
    let house = House::new(Engine::Sqlite).await;
    let id = house.add("prod").await.id;
    let others = ["web".to_owned(), "i-2".to_owned()];
    house.samples.0.lock().unwrap().other_servers = others.into();
    house.script().servers = vec![server("a", "i-1", "web"), server("a", "i-2", "shop")];
    house.inventory.ask(id).await.unwrap();
    let servers = house.inventory.servers();
    let labels: Vec<&str> = servers.iter().map(|s| s.label.as_str()).collect();
    assert_eq!(labels, ["i-2", "web (i-1)"], "an id is proof enough");
}

#[tokio::test]
async fn what_two_processes_spend_is_counted_together() {
    let house = House::new(Engine::Sqlite).await;
    let id = house.add("prod").await.id;
    house.script().servers = vec![server("a", "i-1", "one")];
    house.script().cost_micro_usd = 100;
    let other = house.restarted().await;
    house.inventory.ask(id).await.unwrap();
    other.ask(id).await.unwrap();
    house.inventory.ask(id).await.unwrap();
    let account = house.inventory.account(id).unwrap();
    assert_eq!(account.budget.spent_micro_usd, 300);
}

#[tokio::test]
async fn a_round_has_failed_where_no_region_could_be_listed() {
    let house = House::new(Engine::Sqlite).await;
    let id = house.add("prod").await.id;
    let report = house.inventory.ask(id).await.unwrap();
    assert!(!report.is_failed, "an account may be empty");
    for (region, is_failed) in [("a", false), ("b", true)] {
        let broken = (region.to_owned(), ErrorKind::Denied);
        house.script().broken_regions.extend([broken]);
        let report = house.inventory.ask(id).await.unwrap();
        assert_eq!(report.is_failed, is_failed, "{:?}", report.missing);
    }
}
