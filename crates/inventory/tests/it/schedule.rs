//! Accounts are asked by themselves, and one at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use yunhai_inventory::Error;
use yunhai_test_support::databases::Engine;

use crate::it::support::{House, INTERVAL_MS, eventually, new_account, server};

/// Asks as a server does that leads while it is told so.
fn run(house: &House, is_leading: &Arc<AtomicBool>) -> (JoinHandle<()>, CancellationToken) {
    let stop = CancellationToken::new();
    let (inventory, stopped) = (house.inventory.clone(), stop.clone());
    let is_leading = Arc::clone(is_leading);
    let running = tokio::spawn(async move {
        let is_leading = || is_leading.load(Ordering::SeqCst);
        inventory.run(is_leading, stopped).await;
    });
    (running, stop)
}

#[tokio::test]
async fn whoever_leads_asks_an_account_that_is_new_or_changed() {
    let house = House::new(Engine::Sqlite).await;
    let is_leading = Arc::new(AtomicBool::new(false));
    let (running, stop) = run(&house, &is_leading);
    let id = house.add("prod").await.id;
    assert_eq!(house.script().lists, 0);
    is_leading.store(true, Ordering::SeqCst);
    eventually("the first round", || house.script().lists == 1).await;
    let mut renamed = new_account("production");
    renamed.access = None;
    house.change(id, renamed).await.unwrap();
    eventually("the round after the change", || house.script().lists == 2).await;
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn a_round_that_panics_is_no_end() {
    let house = House::new(Engine::Sqlite).await;
    house.script().panics = true;
    let (running, stop) = run(&house, &Arc::new(AtomicBool::new(true)));
    let id = house.add("prod").await.id;
    eventually("the first round", || house.script().lists == 1).await;
    assert!(house.inventory.account(id).unwrap().last_round.is_none());
    house.change(id, new_account("prod")).await.unwrap();
    let is_asked = || house.inventory.account(id).unwrap().last_round.is_some();
    eventually("the next round", is_asked).await;
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn a_round_under_way_ends_before_the_server_does() {
    let house = House::new(Engine::Sqlite).await;
    let gate = house.close_gate();
    let (running, stop) = run(&house, &Arc::new(AtomicBool::new(true)));
    let id = house.add("prod").await.id;
    eventually("the first round", || house.script().lists == 1).await;
    stop.cancel();
    gate.add_permits(1);
    running.await.unwrap();
    assert!(house.inventory.account(id).unwrap().last_round.is_some());
}

#[tokio::test]
async fn one_shot_asks_what_is_due() {
    let house = House::new(Engine::Sqlite).await;
    house.add("one").await;
    let mut paused = new_account("two");
    paused.settings.is_paused = true;
    house.try_add(paused).await.unwrap();
    house.inventory.ask_all_due().await;
    assert_eq!(house.script().lists, 1);
    house.clock.advance_ms(INTERVAL_MS / 2);
    house.inventory.ask_all_due().await;
    assert_eq!(house.script().lists, 1, "asked lately");
    house.clock.advance_ms(INTERVAL_MS / 2 - 1000);
    house.inventory.ask_all_due().await;
    assert_eq!(house.script().lists, 2, "nobody starts it to the second");
}

#[tokio::test]
async fn an_account_is_asked_once_at_a_time() {
    let house = House::new(Engine::Sqlite).await;
    let id = house.add("prod").await.id;
    let rounds = (0..4).map(|_| house.inventory.ask(id));
    for round in futures::future::join_all(rounds).await {
        round.unwrap();
    }
    let script = house.script();
    assert_eq!((script.lists, script.under_way), (4, [0, 1]));
}

#[tokio::test]
async fn a_change_while_it_is_asked_holds_for_what_was_found() {
    let house = House::new(Engine::Sqlite).await;
    let id = house.add("prod").await.id;
    house.script().servers = vec![server("a", "i-1", "web")];
    let gate = house.close_gate();
    let inventory = house.inventory.clone();
    let asked = tokio::spawn(async move { inventory.ask(id).await });
    eventually("the round", || house.script().lists == 1).await;
    let mut renamed = new_account("production");
    renamed.access = None;
    house.change(id, renamed).await.unwrap();
    gate.add_permits(1);
    asked.await.unwrap().unwrap();
    let account = house.inventory.account(id).unwrap();
    assert_eq!(account.settings.name, "production");
    assert!(account.last_round.is_some());
    assert_eq!(house.inventory.servers()[0].account, "production");
    assert_eq!(house.restarted().await.accounts(), [account]);
}

#[tokio::test]
async fn what_is_deleted_while_it_is_asked_does_not_come_back() {
    let house = House::new(Engine::Sqlite).await;
    let id = house.add("prod").await.id;
    house.script().servers = vec![server("a", "i-1", "web")];
    let gate = house.close_gate();
    let inventory = house.inventory.clone();
    let asked = tokio::spawn(async move { inventory.ask(id).await });
    eventually("the round", || house.script().lists == 1).await;
    house.delete(id).await.unwrap();
    gate.add_permits(1);
    let error = asked.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::NotFound(_)), "{error}");
    let again = house.restarted().await;
    assert_eq!((again.accounts().len(), again.servers().len()), (0, 0));
    assert_eq!(house.inventory.servers().len(), 0);
}
