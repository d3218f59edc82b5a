//! What every provider does alike, as facts that each of them is held to.
//!
//! The tests of a provider's crate take this file in by its path and give it a [`Fixture`]: an
//! account at an emulator, and the means to put servers and measurements there past our own code.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use yunhai_cloud::{
    Account, CloudSeries, CloudServer, Collector, ErrorKind, Inventory, MetricsQuery, MetricsRound,
    NewServer, Operation, OperationState, PowerState, ServerAction, Usage,
};

/// Something of a cloud to try things on, empty at first.
pub(crate) trait Fixture {
    /// An account that may do everything.
    fn account(&self) -> Arc<dyn Account>;

    /// An account whose credentials are wrong.
    fn wrong_account(&self) -> Arc<dyn Account>;

    /// Two regions.
    fn regions(&self) -> [String; 2];

    /// Makes running servers; their names begin with `name`, and all have the tag `team=web`.
    fn make(&mut self, region: &str, name: &str, count: usize);

    /// Has the provider refuse to list a region.
    fn break_region(&mut self, region: &str);

    /// Puts down what the provider measured of a server: at each moment, in percent of its CPU.
    fn measure_cpu(&mut self, server: &CloudServer, points: &[(i64, f64)]);

    /// The present moment in milliseconds, as the provider sees it.
    fn now_ms(&self) -> i64;

    /// Whether the emulator knows an order again by its token, as the real ones do.
    fn knows_orders_again(&self) -> bool {
        true
    }

    /// An order for a server that the provider accepts.
    fn order(&self, region: &str, name: &str) -> NewServer;
}

/// Every server is listed once, over all pages and regions, with what people look for.
pub(crate) async fn every_server_is_listed_once(fixture: &mut impl Fixture, counts: [usize; 2]) {
    let regions = fixture.regions();
    for (region, count) in regions.iter().zip(counts) {
        fixture.make(region, "web", count);
    }
    let account = fixture.account();
    let inventory = account.servers().list(&regions).await;
    assert_eq!(inventory.missing, [], "nothing is missing");
    assert!(inventory.calls >= 2, "each region was asked");
    let ids: BTreeSet<_> = inventory.servers.iter().map(|s| &s.server).collect();
    assert_eq!(ids.len(), counts.iter().sum::<usize>(), "each is there");
    assert_eq!(inventory.servers.len(), ids.len(), "and each once");
    for server in &inventory.servers {
        assert!(regions.contains(&server.server.region), "{server:?}");
        assert!(server.name.starts_with("web"), "{server:?}");
        assert_eq!(server.state, PowerState::Running, "{server:?}");
        assert_eq!(
            server.tags.get("team").map(String::as_str),
            Some("web"),
            "{server:?}"
        );
        assert!(!server.instance_type.is_empty(), "{server:?}");
        assert!(!server.private_addresses.is_empty(), "{server:?}");
        assert!(server.zone.is_some(), "{server:?}");
        assert!(server.launched_at_ms.is_some(), "{server:?}");
    }
}

/// A region that cannot be listed is told, and hides no other.
pub(crate) async fn a_broken_region_hides_no_other(fixture: &mut impl Fixture) {
    let regions = fixture.regions();
    for region in &regions {
        fixture.make(region, "web", 2);
    }
    fixture.break_region(&regions[0]);
    let account = fixture.account();
    let inventory = account.servers().list(&regions).await;
    let found: BTreeSet<&str> = inventory
        .servers
        .iter()
        .map(|server| server.server.region.as_str())
        .collect();
    assert_eq!(found, BTreeSet::from([regions[1].as_str()]));
    assert_eq!(inventory.servers.len(), 2);
    let [missing] = &inventory.missing[..] else {
        panic!("it is told once: {:?}", inventory.missing)
    };
    assert_eq!(missing.scope, regions[0]);
    assert!(missing.error.attempted.contains(&regions[0]), "{missing:?}");
    assert!(!missing.error.said.is_empty(), "in the provider's words");
}

/// Wrong credentials are told as such, by the check and by the list.
pub(crate) async fn wrong_credentials_are_told(fixture: &mut impl Fixture) {
    let account = fixture.wrong_account();
    let error = account.check().await.expect_err("nothing works");
    assert_eq!(error.kind, ErrorKind::Credentials, "{error}");
    assert!(error.hint().is_some());
    let inventory = account.servers().list(&fixture.regions()).await;
    assert_eq!(inventory.servers, []);
    assert_eq!(inventory.missing.len(), 2);
    for missing in inventory.missing {
        assert_eq!(missing.error.kind, ErrorKind::Credentials, "{missing:?}");
    }
}

/// What was measured comes with the provider's own time and in our units; what was not measured
/// does not come at all.
pub(crate) async fn measurements_keep_their_time(fixture: &mut impl Fixture) {
    let region = fixture.regions()[0].clone();
    fixture.make(&region, "busy", 1);
    fixture.make(&region, "silent", 1);
    let account = fixture.account();
    let servers = account.servers().list(std::slice::from_ref(&region)).await;
    let server = |name: &str| {
        let found = servers.servers.iter().find(|s| s.name.starts_with(name));
        found.expect("it was made").clone()
    };
    let (busy, silent) = (server("busy"), server("silent"));
    // Whole periods some time ago, so that the provider has settled on them.
    let period_ms = 300_000;
    let last_ms = (fixture.now_ms() / period_ms - 3) * period_ms;
    let points = [
        (last_ms - 2 * period_ms, 25.0),
        (last_ms - period_ms, 50.0),
        (last_ms, 75.5),
    ];
    fixture.measure_cpu(&busy, &points);

    let query = MetricsQuery {
        servers: &servers.servers,
        from_ms: last_ms - 2 * period_ms,
        until_ms: fixture.now_ms(),
        interval_secs: 300,
    };
    let asked = Asked::default();
    let round = account.metrics().collect(query, &asked).await;
    assert_eq!(round, MetricsRound::default(), "nothing is missing");
    let series = asked.series();
    let found = series_of(&series, "server_cpu_utilization_ratio");
    assert_eq!(found.keys().copied().collect::<Vec<_>>(), [&busy.server.id]);
    let samples = &found[&busy.server.id].samples;
    let got: Vec<(i64, f64)> = samples.iter().map(|s| (s.timestamp_ms, s.value)).collect();
    let wanted = points.map(|(at_ms, percent)| (at_ms, percent / 100.0));
    assert_eq!(got.len(), wanted.len(), "{got:?}");
    for (got, wanted) in got.iter().zip(wanted) {
        assert_eq!(got.0, wanted.0, "the provider's own time");
        assert!((got.1 - wanted.1).abs() < 1e-9, "{got:?} for {wanted:?}");
    }
    let of_silent = series.iter().filter(|s| s.server == silent.server);
    assert_eq!(
        of_silent.count(),
        0,
        "what was not measured is absent, not 0"
    );
    assert!(asked.usage().calls > 0);

    // Who may spend nothing more learns nothing more, and is told why.
    let poor = Asked::with_budget(0);
    let round = account.metrics().collect(query, &poor).await;
    assert!(round.is_over_budget || asked.usage().cost_micro_usd == 0);
    assert_eq!(poor.usage().cost_micro_usd, 0);
}

/// Asks, and remembers what it cost and what came.
pub(crate) struct Asked {
    budget_micro_usd: u64,
    state: Mutex<(Usage, Vec<CloudSeries>)>,
}

impl Default for Asked {
    fn default() -> Self {
        Self::with_budget(u64::MAX)
    }
}

impl Asked {
    pub(crate) fn with_budget(budget_micro_usd: u64) -> Self {
        Self {
            budget_micro_usd,
            state: Mutex::default(),
        }
    }

    pub(crate) fn usage(&self) -> Usage {
        self.state.lock().expect("nobody panicked").0
    }

    pub(crate) fn series(&self) -> Vec<CloudSeries> {
        self.state.lock().expect("nobody panicked").1.clone()
    }
}

#[async_trait]
impl Collector for Asked {
    fn may_spend(&self, usage: Usage) -> bool {
        let spent = &mut self.state.lock().expect("nobody panicked").0;
        let is_allowed = spent.cost_micro_usd + usage.cost_micro_usd <= self.budget_micro_usd;
        if is_allowed {
            *spent += usage;
        }
        is_allowed
    }

    async fn take(&self, mut series: Vec<CloudSeries>) {
        let state = &mut self.state.lock().expect("nobody panicked");
        state.1.append(&mut series);
    }
}

/// A server is made, stopped, started, restarted and deleted, each followed to its end; the same
/// order again makes no second one.
pub(crate) async fn a_server_lives(fixture: &mut impl Fixture) {
    let region = fixture.regions()[0].clone();
    let account = fixture.account();
    let order = fixture.order(&region, "made");
    let lifecycle = account.lifecycle();
    let check = lifecycle.check_create(&order).await.expect("it is checked");
    assert_eq!(check.findings, [], "nothing is wrong with the order");
    let made = lifecycle
        .create(&order, "token-1")
        .await
        .expect("it is made");
    if fixture.knows_orders_again() {
        let again = lifecycle.create(&order, "token-1").await;
        let again = again.expect("it is taken once more").servers;
        assert_eq!(made.servers, again, "the same order is the same server");
    }
    to_its_end(&*account, &made).await;
    let server = made.servers[0].clone();
    for (action, state) in [
        (ServerAction::Stop, PowerState::Stopped),
        (ServerAction::Start, PowerState::Running),
        (ServerAction::Restart, PowerState::Running),
        (ServerAction::Delete, PowerState::Deleted),
    ] {
        let operation = lifecycle.act(&server, action).await.expect("it is taken");
        to_its_end(&*account, &operation).await;
        let listed = account.servers().list(std::slice::from_ref(&region)).await;
        // Not by its name: to some emulators a dry run is an order like any other.
        let now = listed.servers.iter().find(|now| now.server == server);
        // What is deleted is forgotten by some at once.
        assert!(
            now.map_or(action == ServerAction::Delete, |now| now.state == state),
            "{now:?} after {action:?}"
        );
    }
}

/// What is protected is not deleted, and the provider's reason is told.
pub(crate) async fn a_protected_server_stays(fixture: &mut impl Fixture) {
    let region = fixture.regions()[0].clone();
    let account = fixture.account();
    let mut order = fixture.order(&region, "precious");
    order.is_protected = true;
    let made = account
        .lifecycle()
        .create(&order, "token-2")
        .await
        .expect("it is made");
    to_its_end(&*account, &made).await;
    let deleted = account
        .lifecycle()
        .act(&made.servers[0], ServerAction::Delete)
        .await;
    let error = deleted.expect_err("it is protected");
    assert_eq!(error.kind, ErrorKind::Conflict, "{error}");
    let listed = account.servers().list(&[region]).await;
    assert_eq!(
        find(&listed, "precious").map(|s| s.state),
        Some(PowerState::Running)
    );
}

/// An order that cannot be carried out is found out before, with everything that is wrong.
pub(crate) async fn a_bad_order_is_found_out_before(fixture: &mut impl Fixture, order: NewServer) {
    let account = fixture.account();
    let check = account
        .lifecycle()
        .check_create(&order)
        .await
        .expect("it is checked");
    assert!(
        check.findings.iter().any(|finding| finding.is_fatal),
        "{check:?}"
    );
    let listed = account.servers().list(&fixture.regions()).await;
    assert_eq!(find(&listed, &order.name), None, "nothing was made");
}

async fn to_its_end(account: &dyn Account, operation: &Operation) {
    for _ in 0..600 {
        match account
            .lifecycle()
            .follow(operation)
            .await
            .expect("it is followed")
        {
            OperationState::Done => return,
            OperationState::Failed { error } => panic!("{error}"),
            OperationState::Running { .. } => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    panic!("it never ended: {operation:?}");
}

fn find<'a>(inventory: &'a Inventory, name: &str) -> Option<&'a CloudServer> {
    inventory.servers.iter().find(|server| server.name == name)
}

fn series_of<'a>(series: &'a [CloudSeries], metric: &str) -> BTreeMap<&'a String, &'a CloudSeries> {
    series
        .iter()
        .filter(|series| series.metric == metric)
        .map(|series| (&series.server.id, series))
        .collect()
}
