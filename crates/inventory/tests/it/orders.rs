//! Orders are carried out once and to their end, whoever is killed meanwhile.

use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use yunhai_cloud::{ErrorKind, NewServer, OperationState, PowerState, ServerAction};
use yunhai_inventory::{
    Error, Inventory, Order, OrderBy, OrderFilter, OrderState, Placed, Result, SealedAccounts,
};
use yunhai_model::{CloudAccountId, CloudOrderId, PageRequest};
use yunhai_test_support::databases::Engine;

use crate::it::support::{Hangs, House, committed, eventually, server};

/// Longer than a server has an order in hand.
const LEASE_MS: i64 = 300_000;

const ENGINES: [Engine; 3] = [Engine::Sqlite, Engine::Postgres, Engine::Mysql];

fn new_server(name: &str, count: u32) -> NewServer {
    serde_json::from_value(json!({
        "name": name,
        "region": "a",
        "image": "image-1",
        "instance_type": "t3.micro",
        "user_data": "#cloud-config hush",
        "count": count,
    }))
    .unwrap()
}

fn by(key: Option<&str>) -> OrderBy {
    OrderBy {
        name: "ada".to_owned(),
        request_key: key.map(str::to_owned),
    }
}

impl House {
    async fn order(&self, id: CloudAccountId, new: NewServer, key: Option<&str>) -> Result<Placed> {
        let mut transaction = self.database.transaction();
        let placed = self
            .inventory
            .order_servers(&mut transaction, id, new, by(key))
            .await;
        committed(transaction, placed).await
    }

    async fn act(&self, label: &str, action: ServerAction) -> Result<Placed> {
        self.act_by(label, action, Some(label), None).await
    }

    async fn act_by(
        &self,
        label: &str,
        action: ServerAction,
        typed: Option<&str>,
        key: Option<&str>,
    ) -> Result<Placed> {
        let mut transaction = self.database.transaction();
        let placed = self
            .inventory
            .order_action(&mut transaction, label, action, typed, by(key))
            .await;
        committed(transaction, placed).await
    }

    /// An account with the servers `web` and `db`, which were listed.
    async fn with_servers(engine: Engine) -> (Self, CloudAccountId) {
        let house = Self::new(engine).await;
        let id = house.add("prod").await.id;
        house.script().servers = vec![server("a", "i-1", "web"), server("b", "i-2", "db")];
        house.inventory.ask(id).await.unwrap();
        (house, id)
    }

    /// Kills whoever carries out what is due as soon as `is_there` holds, and lets their time run out.
    async fn kill_when(&self, what: &str, is_there: impl Fn(&Self) -> bool) {
        let inventory = self.inventory.clone();
        let carrying_out = tokio::spawn(async move { inventory.carry_out_due().await });
        eventually(what, || is_there(self)).await;
        carrying_out.abort();
        let _ = carrying_out.await;
        self.script().hangs = None;
        self.clock.advance_ms(LEASE_MS);
    }

    /// Takes steps until nothing goes on any more.
    async fn to_the_end(&self, inventory: &Inventory) {
        for _ in 0..100 {
            if inventory.carry_out_due().await.unwrap() == 0 {
                return;
            }
            self.clock.advance_ms(60_000);
        }
        panic!("orders have no end");
    }

    async fn shown(&self, id: CloudOrderId) -> Order {
        self.inventory.order(id).await.unwrap()
    }

    fn ends(&self) -> Vec<(CloudOrderId, OrderState)> {
        self.ends.0.lock().unwrap().ended.clone()
    }

    fn state_of(&self, label: &str) -> Option<PowerState> {
        let servers = self.inventory.servers();
        let found = servers.iter().find(|server| server.label == label)?;
        Some(found.details.state)
    }
}

#[tokio::test]
async fn servers_are_made_and_listed_before_the_order_is_done() {
    for engine in ENGINES {
        let (house, id) = House::with_servers(engine).await;
        let placed = house.order(id, new_server("shop", 2), None).await.unwrap();
        assert!(placed.is_new);
        assert_eq!(house.script().tokens.len(), 0, "it is kept first");
        house.script().progress = [Ok(OperationState::Running {
            done: 1,
            text: "1 pending".to_owned(),
        })]
        .into();
        house.inventory.carry_out_due().await.unwrap();
        let order = house.shown(placed.order.id).await;
        assert_eq!(order.state, OrderState::Running);
        assert_eq!(house.state_of("shop"), Some(PowerState::Running), "listed");
        house.inventory.carry_out_due().await.unwrap();
        assert_eq!(house.script().looks, 0, "not before it is due");
        house.clock.advance_ms(2_000);
        house.inventory.carry_out_due().await.unwrap();
        let order = house.shown(placed.order.id).await;
        let progress = order.progress.unwrap();
        assert_eq!((progress.done, progress.text.as_str()), (1, "1 pending"));
        house.to_the_end(&house.inventory).await;
        let order = house.shown(placed.order.id).await;
        assert_eq!(order.state, OrderState::Done);
        assert_eq!(order.operation.unwrap().servers.len(), 2);
        assert_eq!(house.ends(), [(order.id, OrderState::Done)]);
        assert_eq!(house.script().lists, 3, "once, and for the order twice");
        assert_eq!(house.state_of("db"), Some(PowerState::Running), "elsewhere");
    }
}

#[tokio::test]
async fn whoever_is_killed_the_order_is_carried_out_once() {
    for engine in ENGINES {
        for hangs in [Hangs::BeforeItArrives, Hangs::BeforeTheAnswer] {
            let (house, id) = House::with_servers(engine).await;
            let placed = house.order(id, new_server("shop", 3), None).await.unwrap();
            house.script().hangs = Some(hangs);
            let has_come = |house: &House| match hangs {
                Hangs::BeforeItArrives => house.script().tokens.len() == 1,
                Hangs::BeforeTheAnswer => house.script().made.len() == 1,
            };
            house.kill_when("the order", has_come).await;
            let again = house.restarted().await;
            house.to_the_end(&again).await;
            let order = house.shown(placed.order.id).await;
            assert_eq!(order.state, OrderState::Done, "{hangs:?}");
            assert_eq!(order.attempts, 2, "{hangs:?}");
            let script = house.script();
            assert_eq!(script.tokens.len(), 2);
            assert_eq!(script.tokens[0], script.tokens[1], "the same token");
            assert_eq!(script.servers.len(), 5, "{hangs:?}");
            let got = Some("#cloud-config hush".to_owned());
            assert!(script.user_data.iter().all(|data| *data == got));
            drop(script);
            assert_eq!(house.ends().len(), 1);
        }
    }
}

#[tokio::test]
async fn what_the_provider_took_is_followed_by_whoever_comes_after() {
    let (house, _) = House::with_servers(Engine::Sqlite).await;
    let placed = house.act("web", ServerAction::Stop).await.unwrap();
    // The list that follows the taking of the order hangs, and then nobody is there.
    let gate = house.close_gate();
    house
        .kill_when("the list", |house| house.script().lists == 2)
        .await;
    gate.add_permits(100);
    assert_eq!(
        house.shown(placed.order.id).await.state,
        OrderState::Running
    );
    let again = house.restarted().await;
    house.to_the_end(&again).await;
    assert_eq!(
        house.script().acts,
        [("i-1".to_owned(), ServerAction::Stop)]
    );
    assert_eq!(house.shown(placed.order.id).await.state, OrderState::Done);
    again.reload().await.unwrap();
    let stopped = again.servers();
    let stopped = stopped.iter().find(|server| server.label == "web").unwrap();
    assert_eq!(stopped.details.state, PowerState::Stopped);
}

#[tokio::test]
async fn an_end_that_cannot_be_recorded_is_no_end_yet() {
    for engine in ENGINES {
        let (house, _) = House::with_servers(engine).await;
        let placed = house.act("web", ServerAction::Restart).await.unwrap();
        house.inventory.carry_out_due().await.unwrap();
        house.ends.0.lock().unwrap().failure = Some("the log is away".to_owned());
        house.clock.advance_ms(2_000);
        house.inventory.carry_out_due().await.unwrap();
        let order = house.shown(placed.order.id).await;
        assert_eq!(order.state, OrderState::Running);
        house.ends.0.lock().unwrap().failure = None;
        house.clock.advance_ms(LEASE_MS);
        house.to_the_end(&house.inventory).await;
        assert_eq!(house.ends(), [(placed.order.id, OrderState::Done)]);
        assert_eq!(house.script().acts.len(), 1);
    }
}

#[tokio::test]
async fn of_several_servers_one_carries_an_order_out() {
    for engine in ENGINES {
        let (house, id) = House::with_servers(engine).await;
        for number in 0..5 {
            let name = format!("shop-{number}");
            house.order(id, new_server(&name, 1), None).await.unwrap();
        }
        let others = [house.restarted().await, house.restarted().await];
        let all = others.iter().chain([&house.inventory]);
        for outcome in futures::future::join_all(all.map(Inventory::carry_out_due)).await {
            outcome.unwrap();
        }
        assert_eq!(house.script().tokens.len(), 5, "each is sent once");
        house.to_the_end(&house.inventory).await;
        assert_eq!(house.ends().len(), 5);
    }
}

#[tokio::test]
async fn they_are_carried_out_by_themselves_and_others_are_told() {
    let (house, _) = House::with_servers(Engine::Sqlite).await;
    let other = house.restarted().await;
    let mut changes = other.order_changes();
    let stop = CancellationToken::new();
    let running = [house.inventory.clone(), other.clone()].map(|inventory| {
        let stop = stop.clone();
        tokio::spawn(async move { inventory.run_orders(stop).await })
    });
    let placed = house.act("web", ServerAction::Stop).await.unwrap();
    eventually("the order", || house.script().acts.len() == 1).await;
    house.clock.advance_ms(2_000);
    eventually("the end", || !house.ends().is_empty()).await;
    assert_eq!(changes.recv().await.unwrap(), placed.order.id);
    let shows_it = |inventory: &Inventory| {
        let servers = inventory.servers();
        let web = servers.iter().find(|server| server.label == "web").unwrap();
        web.details.state == PowerState::Stopped
    };
    eventually("what it did", || {
        shows_it(&house.inventory) && shows_it(&other)
    })
    .await;
    stop.cancel();
    for running in running {
        running.await.unwrap();
    }
}

#[tokio::test]
async fn throttling_is_waited_out_and_a_limit_ends_it_in_the_providers_words() {
    let (house, _) = House::with_servers(Engine::Sqlite).await;
    house.script().refusals = [ErrorKind::Throttled; 3].into();
    let patient = house.act("web", ServerAction::Stop).await.unwrap().order.id;
    house.inventory.carry_out_due().await.unwrap();
    let order = house.shown(patient).await;
    assert_eq!(order.state, OrderState::Waiting);
    assert_eq!(
        order.error.unwrap().kind,
        ErrorKind::Throttled,
        "people see why"
    );
    house.to_the_end(&house.inventory).await;
    let order = house.shown(patient).await;
    assert_eq!((order.state, order.attempts), (OrderState::Done, 4));
    assert_eq!(order.error, None);

    house.script().refusals = [ErrorKind::Quota].into();
    let refused = house
        .act("web", ServerAction::Start)
        .await
        .unwrap()
        .order
        .id;
    house.to_the_end(&house.inventory).await;
    let order = house.shown(refused).await;
    assert_eq!(order.state, OrderState::Failed);
    assert_eq!(order.error.unwrap().to_string(), "cannot do it: no");

    house.script().refusals = std::iter::repeat_n(ErrorKind::Unreachable, 200).collect();
    let lost = house
        .act("web", ServerAction::Start)
        .await
        .unwrap()
        .order
        .id;
    house.to_the_end(&house.inventory).await;
    let order = house.shown(lost).await;
    assert_eq!(order.state, OrderState::GivenUp);
    assert!(order.is_outcome_unknown());
    assert!(order.attempts > 50, "{}", order.attempts);
}

#[tokio::test]
async fn what_nobody_could_send_is_not_sent_hours_later() {
    let (house, _) = House::with_servers(Engine::Sqlite).await;
    let placed = house.act("web", ServerAction::Delete).await.unwrap();
    house.clock.advance_ms(2 * 3_600_000);
    house.inventory.carry_out_due().await.unwrap();
    let order = house.shown(placed.order.id).await;
    assert_eq!((order.state, order.attempts), (OrderState::GivenUp, 0));
    assert_eq!(house.script().acts, []);
}

#[tokio::test]
async fn the_same_key_is_the_same_order() {
    for engine in ENGINES {
        let (house, id) = House::with_servers(engine).await;
        let first = house.order(id, new_server("shop", 1), Some("k")).await;
        let again = house.order(id, new_server("shop", 1), Some("k")).await;
        let (first, again) = (first.unwrap(), again.unwrap());
        assert_eq!((first.order, again.is_new), (again.order, false));
        let other = house.order(id, new_server("shop", 2), Some("k")).await;
        assert!(matches!(other, Err(Error::KeyTaken)), "{other:?}");
        let delete = async || {
            house
                .act_by("web", ServerAction::Delete, Some("web"), Some("d"))
                .await
        };
        let deleted = delete().await.unwrap();
        house.to_the_end(&house.inventory).await;
        assert_eq!(house.state_of("web"), Some(PowerState::Deleted));
        assert_eq!(delete().await.unwrap().order.id, deleted.order.id);
        assert_eq!(house.script().servers.len(), 3);
    }
}

#[tokio::test]
async fn what_cannot_be_ordered_is_refused_before_anything_is_kept() {
    let (house, id) = House::with_servers(Engine::Sqlite).await;
    let mut elsewhere = new_server("shop", 0);
    elsewhere.region = "mars".to_owned();
    let error = house.order(id, elsewhere.clone(), None).await.unwrap_err();
    let Error::InvalidOrder(faults) = error else {
        panic!("{error}");
    };
    assert!(
        faults[0].starts_with("region: the account looks at a, b"),
        "{faults:?}"
    );
    assert_eq!(faults.len(), 2);
    assert!(house.inventory.check_create(id, &elsewhere).await.is_err());
    let check = house
        .inventory
        .check_create(id, &new_server("shop", 2))
        .await;
    assert_eq!(check.unwrap().micro_usd_per_hour, Some(20_800));

    for typed in [None, Some("Web"), Some("")] {
        let error = house.act_by("web", ServerAction::Delete, typed, None).await;
        assert!(matches!(error, Err(Error::InvalidOrder(_))), "{typed:?}");
    }
    let unknown = house.act("nobody", ServerAction::Stop).await;
    assert!(matches!(unknown, Err(Error::NoSuchServer(_))));
    house.act("web", ServerAction::Stop).await.unwrap();
    let second = house.act("web", ServerAction::Start).await.unwrap_err();
    let sentence = "an order for `web` is under way already: stop web";
    assert_eq!(second.to_string(), sentence);
    house.act("db", ServerAction::Delete).await.unwrap();
    house.to_the_end(&house.inventory).await;
    let late = house.act("db", ServerAction::Start).await;
    assert!(matches!(late, Err(Error::ServerDeleted(_))), "{late:?}");
    let (filter, request) = (OrderFilter::default(), PageRequest::default());
    let all = house.inventory.orders(&filter, &request).await;
    assert_eq!(all.unwrap().total, 2);
}

#[tokio::test]
async fn orders_are_listed_by_pages_the_newest_first() {
    for engine in ENGINES {
        let (house, id) = House::with_servers(engine).await;
        for name in ["one", "two", "three"] {
            house.order(id, new_server(name, 1), None).await.unwrap();
            house.clock.advance_ms(1);
        }
        let names = async |filter: &OrderFilter, sort: Option<&str>| {
            let request = PageRequest {
                page_size: 2,
                sort: sort.map(|sort| sort.parse().unwrap()),
                ..PageRequest::default()
            };
            let page = house.inventory.orders(filter, &request).await.unwrap();
            let names = page
                .items
                .iter()
                .map(|order| order.what.subject().to_owned());
            (page.total, names.collect::<Vec<_>>())
        };
        let all = OrderFilter::default();
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names(&all, None).await, (3, words(&["three", "two"])));
        let rising = names(&all, Some("placed_at_ms")).await;
        assert_eq!(rising, (3, words(&["one", "two"])));
        let filter = OrderFilter {
            is_open: Some(true),
            subject: Some("two".to_owned()),
            account: Some("prod".to_owned()),
        };
        assert_eq!(names(&filter, None).await, (1, words(&["two"])));
        house.to_the_end(&house.inventory).await;
        assert_eq!(names(&filter, None).await.0, 0);
    }
}

#[tokio::test]
async fn user_data_is_sealed_while_it_is_needed_and_then_forgotten() {
    for engine in ENGINES {
        let (house, id) = House::with_servers(engine).await;
        house.order(id, new_server("shop", 1), None).await.unwrap();
        let connection = house.database.connection();
        let stored = async || {
            let sql = "SELECT body, sealed_user_data FROM cloud_order";
            let statement = Statement::from_string(connection.get_database_backend(), sql);
            let row = connection.query_one_raw(statement).await.unwrap().unwrap();
            let body: String = row.try_get("", "body").unwrap();
            let sealed: Option<String> = row.try_get("", "sealed_user_data").unwrap();
            (body, sealed)
        };
        let (body, sealed) = stored().await;
        let sealed = sealed.unwrap();
        assert!(!body.contains("hush") && !sealed.contains("hush"));
        let accounts = SealedAccounts::open(house.database.clone(), &*house.clock).await;
        let report = house.vault.rotate(&[&accounts.unwrap()]).await.unwrap();
        let both = ("inventory".to_owned(), 2);
        assert_eq!(report.resealed, [both], "the account and the order");
        assert_ne!(stored().await.1.unwrap(), sealed);
        house.to_the_end(&house.inventory).await;
        assert_eq!(
            house.script().user_data,
            [Some("#cloud-config hush".to_owned())]
        );
        assert_eq!(stored().await.1, None);
    }
}

#[tokio::test]
async fn an_account_that_is_deleted_takes_its_orders_along() {
    let (house, id) = House::with_servers(Engine::Sqlite).await;
    let unsent = house.act("web", ServerAction::Stop).await.unwrap().order.id;
    house.delete(id).await.unwrap();
    house.inventory.carry_out_due().await.unwrap();
    let order = house.shown(unsent).await;
    assert_eq!(order.state, OrderState::Failed);
    assert_eq!(
        order.error.unwrap().to_string(),
        "cannot stop web: the account prod was deleted here"
    );
    assert_eq!(house.script().acts, []);
}
