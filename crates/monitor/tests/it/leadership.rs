//! Several servers on one database: one evaluates and sends, and another goes on when it dies.

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use yunhai_model::PageRequest;
use yunhai_monitor::{
    AlertFilter, AlertState, Error, Monitor, OutboxFilter, OutboxState, Role, RuleKey,
};

use super::support::{House, change, eventually, on_every_database};

const RULES: &str = r"
groups:
  - name: cpu
    interval: 10ms
    rules: [{alert: HighCpu, expr: cpu > 0.9}]
";

struct Running {
    monitor: Monitor,
    cancel: CancellationToken,
    task: JoinHandle<()>,
}

fn start(monitor: &Monitor) -> Running {
    let cancel = CancellationToken::new();
    let task = tokio::spawn({
        let (monitor, cancel) = (monitor.clone(), cancel.clone());
        async move { monitor.run(cancel).await.unwrap() }
    });
    Running {
        monitor: monitor.clone(),
        cancel,
        task,
    }
}

impl Running {
    async fn stop(self) {
        self.cancel.cancel();
        self.task.await.unwrap();
    }

    /// Ends without a word to anybody, as a process that is killed.
    async fn die(self) {
        self.task.abort();
        let _ = self.task.await;
    }

    fn role(&self) -> Role {
        self.monitor.leadership().role
    }
}

async fn sent(house: &House) -> u64 {
    let filter = OutboxFilter {
        states: vec![OutboxState::Sent],
        channel: None,
    };
    let page = PageRequest::default();
    house
        .monitor
        .notifications(&filter, &page)
        .await
        .unwrap()
        .total
}

async fn hurried(house: &mut House) {
    house.config.dispatch_interval = "10ms".parse().unwrap();
    house.config.leader_lease = "300ms".parse().unwrap();
    house.restart().await;
    house.rules(RULES).await;
}

on_every_database! {
    async fn another_server_goes_on_when_the_leader_dies(house: &mut House) {
        hurried(house).await;
        let (first, second) = (house.server("first").await, house.server("second").await);
        let first = start(&first);
        eventually("the first leads", async || first.role() == Role::Leader).await;
        let second = start(&second);
        eventually("the second stands by", async || second.role() == Role::Standby).await;
        let seen = second.monitor.leadership();
        assert_eq!((seen.leader.as_deref(), seen.server.as_str()), (Some("first"), "second"));
        house.measure("cpu", "a", 0.95);
        eventually("the first tells", async || {
            house.clock.advance_ms(10);
            sent(house).await == 1
        })
        .await;
        assert_eq!(house.told(), ["a firing"]);
        assert_eq!(second.role(), Role::Standby);

        first.die().await;
        house.measure("cpu", "b", 0.95);
        eventually("the second tells", async || {
            house.clock.advance_ms(10);
            sent(house).await == 2
        })
        .await;
        assert_eq!(second.monitor.leadership().term, seen.term + 1);
        assert_eq!(house.told(), ["b firing"], "what the first has told is not told again");

        let third = house.server("third").await;
        let third = start(&third);
        eventually("the third stands by", async || third.role() == Role::Standby).await;
        second.stop().await;
        eventually("the third leads", async || third.role() == Role::Leader).await;
        third.stop().await;
        assert_eq!(house.told(), Vec::<String>::new());
    }

    async fn who_was_asleep_while_another_took_over_writes_nothing(house: &mut House) {
        hurried(house).await;
        let (first, second) = (house.server("first").await, house.server("second").await);
        let first = start(&first);
        eventually("the first leads", async || first.role() == Role::Leader).await;
        // The lease passes on while the first does not look, as after a long pause.
        let taken = "UPDATE monitor_lease SET node = 'second', term = term + 1";
        sea_orm::ConnectionTrait::execute_unprepared(house.database.connection(), taken)
            .await
            .unwrap();
        house.measure("cpu", "a", 0.95);
        house.clock.advance_ms(20);
        eventually("the first notices", async || {
            house.clock.advance_ms(10);
            first.role() != Role::Leader
        })
        .await;
        let page = PageRequest::default();
        assert_eq!(second.alerts(&AlertFilter::default(), &page).await.unwrap().total, 0);
        assert!(house.told().is_empty());
        first.die().await;
    }

    async fn one_shot_is_refused_while_a_server_evaluates(house: &mut House) {
        hurried(house).await;
        let (first, second) = (house.server("first").await, house.server("second").await);
        let first = start(&first);
        eventually("the first leads", async || first.role() == Role::Leader).await;
        let refused = second.evaluate_once().await.unwrap_err();
        assert!(matches!(&refused, Error::NotLeader { leader } if leader == "first"), "{refused}");
        first.stop().await;
        second.evaluate_once().await.unwrap();
    }

    async fn rules_and_their_state_are_the_same_on_all_servers(house: &mut House) {
        hurried(house).await;
        let (first, second) = (house.server("first").await, house.server("second").await);
        let first = start(&first);
        eventually("the first leads", async || first.role() == Role::Leader).await;
        let second = start(&second);
        let rules = RULES.replace("HighCpu", "Changed");
        house.clock.advance_ms(1);
        change!(house.database, second.monitor => put_rule_file("test", &rules, "ann")).unwrap();
        let key = RuleKey { file: "test".into(), group: "cpu".into(), rule: "Changed".into() };
        eventually("the second shows what the first evaluated", async || {
            house.clock.advance_ms(10);
            let groups = second.monitor.groups();
            groups.iter().any(|group| {
                group.group.rules[0].name() == "Changed" && group.rules_status[0].evaluated_at_ms > 0
            })
        })
        .await;
        house.measure("cpu", "a", 0.95);
        eventually("the alert", async || {
            house.clock.advance_ms(10);
            sent(house).await == 1
        })
        .await;
        let why = second.monitor.explain(&key).await.unwrap();
        assert!(why[0].reason.starts_with("0.95 is > 0.9 since "), "{}", why[0].reason);
        first.stop().await;
        second.stop().await;
    }

    async fn an_acknowledgement_on_one_server_is_not_lost_to_the_evaluation_on_another(house: &mut House) {
        hurried(house).await;
        house.step(1, &[("a", 0.95)]).await;
        let second = house.server("second").await;
        let page = PageRequest::default();
        let id = second.alerts(&AlertFilter::default(), &page).await.unwrap().items[0].id;
        for value in 0..20_i32 {
            // Every new value is written, so that both write the same row at the same time.
            house.clock.advance_ms(1000);
            house.measure("cpu", "a", 0.95 + f64::from(value) / 1000.0);
            let evaluating = house.monitor.evaluate_once();
            let acknowledging = async { change!(house.database, second => acknowledge(id, "ann", "")) };
            let (evaluated, acknowledged) = tokio::join!(evaluating, acknowledging);
            evaluated.unwrap();
            acknowledged.unwrap();
            let alert = second.alert(id).await.unwrap().alert;
            assert_eq!(alert.instance.state, AlertState::Acknowledged, "round {value}");
            change!(house.database, second => unacknowledge(id, "ann")).unwrap();
        }
    }
}
