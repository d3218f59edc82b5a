//! Machines join with tokens, and have keys of their own from then on.

use std::collections::BTreeMap;
use std::sync::Arc;

use sea_orm::ConnectionTrait as _;
use yunhai_cloud::Provider;
use yunhai_database::Database;
use yunhai_enrolment::{
    CloudIdentity, Enrolled, Enrolment, EnrolmentTokenState, Error, MIGRATIONS, Machine, Names,
    NewEnrolmentToken, Result, Seen, is_key,
};
use yunhai_model::{Clock as _, ManualClock, Secret};
use yunhai_test_support::on_every_database;
use yunhai_vault::{MemoryKeyRing, Vault};

const START_MS: i64 = 1_767_225_600_000;
const HOUR_MS: i64 = 3_600_000;

struct House {
    database: Database,
    clock: Arc<ManualClock>,
    enrolment: Enrolment,
}

impl House {
    async fn new(url: &str) -> Self {
        let database = Database::connect(url).await.unwrap();
        let clock = Arc::new(ManualClock::new(START_MS));
        database.migrate(MIGRATIONS, &*clock).await.unwrap();
        let ring = Arc::new(MemoryKeyRing::default());
        let folder = tempfile::tempdir().unwrap();
        let key_file = folder.path().join("master.key");
        let vault = Vault::open_with_key_file(ring, &key_file, clock.clone())
            .await
            .unwrap();
        Self {
            enrolment: Enrolment::new(database.clone(), &vault, clock.clone()),
            database,
            clock,
        }
    }

    async fn token(&self, uses: Option<u32>) -> Secret {
        let mut transaction = self.database.transaction();
        let new = NewEnrolmentToken {
            name: "web".to_owned(),
            expires_at_ms: self.clock.now_ms() + HOUR_MS,
            uses,
            tags: BTreeMap::from([("team".to_owned(), "web".to_owned())]),
            created_by: "ada".to_owned(),
        };
        let made = self.enrolment.create_token(&mut transaction, new);
        let (_, text) = made.await.unwrap();
        transaction.commit().await.unwrap();
        text
    }

    async fn enrol(&self, token: &Secret, machine: Machine) -> Result<Enrolled> {
        self.enrol_as(token, machine, &Names::default()).await
    }

    async fn enrol_as(&self, token: &Secret, machine: Machine, names: &Names) -> Result<Enrolled> {
        let mut transaction = self.database.transaction();
        let enrolled = self
            .enrolment
            .enrol(&mut transaction, token, machine, names)
            .await?;
        transaction.commit().await.unwrap();
        Ok(enrolled)
    }
}

fn machine(name: &str, machine_id: &str) -> Machine {
    Machine {
        name: name.to_owned(),
        host_name: name.to_owned(),
        machine_id: machine_id.to_owned(),
        version: "1.0".to_owned(),
        cloud: None,
    }
}

fn instance(name: &str, machine_id: &str, id: &str) -> Machine {
    Machine {
        cloud: Some(CloudIdentity {
            provider: Provider::Aws,
            ids: vec![id.to_owned()],
            region: Some("eu-central-1".to_owned()),
            account: Some("123456789012".to_owned()),
        }),
        ..machine(name, machine_id)
    }
}

on_every_database! {
    async fn a_token_is_traded_for_a_key_until_it_is_used_up_has_ended_or_is_revoked(url: &str) {
        let house = House::new(url).await;
        let (token, endless) = (house.token(Some(2)).await, house.token(None).await);
        let first = house.enrol(&token, machine("web", "a")).await.unwrap();
        assert!(is_key(first.key.expose()) && !is_key(token.expose()));
        assert_eq!(first.agent.tags["team"], "web");
        let known = house.enrolment.authenticate(&first.key).await.unwrap();
        assert_eq!(known, first.agent);
        let second = house.enrol(&token, machine("web", "b")).await.unwrap();
        assert_eq!(second.agent.name, "web (b)", "another machine of the same name");
        let refused = house.enrol(&token, machine("db", "c")).await.unwrap_err();
        assert!(matches!(refused, Error::UsedUpToken(2)), "{refused}");
        let unknown = Secret::new("ye_unknown");
        let refused = house.enrol(&unknown, machine("db", "c")).await.unwrap_err();
        assert!(matches!(refused, Error::UnknownToken), "{refused}");
        house.enrol(&endless, machine("db", "c")).await.unwrap();

        let listed = house.enrolment.tokens().await.unwrap();
        let states: Vec<_> = listed.iter().map(|one| (one.used, one.state(START_MS))).collect();
        let open = (1, EnrolmentTokenState::Open);
        assert_eq!(states, [open, (2, EnrolmentTokenState::UsedUp)]);
        house.clock.advance_ms(HOUR_MS);
        let refused = house.enrol(&endless, machine("nas", "d")).await.unwrap_err();
        assert!(matches!(refused, Error::ExpiredToken(_)), "{refused}");
        let mut transaction = house.database.transaction();
        house.enrolment.revoke_token(&mut transaction, listed[0].id).await.unwrap();
        transaction.commit().await.unwrap();
        let refused = house.enrol(&endless, machine("nas", "d")).await.unwrap_err();
        assert!(matches!(refused, Error::UnknownToken), "{refused}");
        house.enrolment.authenticate(&first.key).await.expect("who has joined stays");
    }

    async fn a_key_is_revoked_alone_and_replaced_when_its_machine_joins_again(url: &str) {
        let house = House::new(url).await;
        let token = house.token(None).await;
        let web = house.enrol(&token, machine("web", "a")).await.unwrap();
        let db = house.enrol(&token, machine("db", "b")).await.unwrap();
        let again = house.enrol(&token, machine("renamed", "a")).await.unwrap();
        assert_eq!((again.agent.id, again.agent.name.as_str()), (web.agent.id, "web"));
        assert_eq!(again.before.unwrap(), web.agent);
        let refused = house.enrolment.authenticate(&web.key).await.unwrap_err();
        assert!(matches!(refused, Error::UnknownKey), "{refused}");
        let mut transaction = house.database.transaction();
        house.enrolment.revoke(&mut transaction, web.agent.id).await.unwrap();
        transaction.commit().await.unwrap();
        house.enrolment.authenticate(&again.key).await.unwrap_err();
        house.enrolment.authenticate(&db.key).await.unwrap();
    }

    async fn an_instance_of_a_cloud_is_known_by_its_id_there_and_goes_by_its_name_here(url: &str) {
        let house = House::new(url).await;
        let token = house.token(None).await;
        let named = Names {
            in_cloud: Some("shop".to_owned()),
            taken: ["ip-10-0-0-2".to_owned()].into(),
        };
        let first = instance("ip-10-0-0-1", "image", "i-1");
        let first = house.enrol_as(&token, first, &named).await.unwrap();
        assert_eq!(first.agent.name, "shop");
        // Made from the same image, with the machine id in it.
        let names = Names { in_cloud: None, ..named };
        let clone = instance("ip-10-0-0-2", "image", "i-2");
        let clone = house.enrol_as(&token, clone, &names).await.unwrap();
        assert_eq!(clone.agent.name, "ip-10-0-0-2 (image)");
        assert_ne!(clone.agent.id, first.agent.id);
        let anew = instance("fresh", "new image", "I-1");
        let anew = house.enrol(&token, anew).await.unwrap();
        assert_eq!((anew.agent.id, anew.agent.name.as_str()), (first.agent.id, "shop"));
        assert_eq!(house.enrolment.agents_in(Provider::Aws).await.unwrap().len(), 2);
        assert_eq!(house.enrolment.agents_in(Provider::Gcp).await.unwrap(), []);
    }

    async fn when_an_agent_was_seen_is_kept_to_the_minute_and_a_moved_clock_at_once(url: &str) {
        let house = House::new(url).await;
        let token = house.token(None).await;
        let web = house.enrol(&token, machine("web", "a")).await.unwrap();
        let seen_after = async |after_ms: i64, skew_ms: i64, version: &str| {
            let agent = house.enrolment.authenticate(&web.key).await.unwrap();
            let seen = Seen {
                at_ms: START_MS + after_ms,
                address: Some("192.0.2.7".to_owned()),
                clock_skew_ms: Some(skew_ms),
            };
            let noted = house.enrolment.note_seen(&web.key, agent, Some(version), seen);
            noted.await.unwrap();
            let agent = house.enrolment.authenticate(&web.key).await.unwrap();
            (agent.seen.unwrap().at_ms - START_MS, agent.version)
        };
        let old = "1.0".to_owned();
        assert_eq!(seen_after(0, 20, "1.0").await, (0, old.clone()));
        assert_eq!(seen_after(1_000, 40, "1.0").await, (0, old.clone()), "not each time");
        assert_eq!(seen_after(2_000, 9_000, "1.0").await, (2_000, old.clone()), "its clock");
        assert_eq!(seen_after(62_000, 9_000, "1.0").await, (62_000, old));
        assert_eq!(seen_after(63_000, 9_000, "1.1").await.1, "1.1");
        // Whoever was revoked meanwhile does not come back by being noted.
        let agent = house.enrolment.authenticate(&web.key).await.unwrap();
        let mut transaction = house.database.transaction();
        house.enrolment.revoke(&mut transaction, agent.id).await.unwrap();
        transaction.commit().await.unwrap();
        let seen = Seen { at_ms: START_MS, address: None, clock_skew_ms: None };
        house.enrolment.note_seen(&web.key, agent, None, seen).await.unwrap();
        assert_eq!(house.enrolment.agents().await.unwrap(), []);
    }

    async fn neither_tokens_nor_keys_are_in_the_clear(url: &str) {
        let house = House::new(url).await;
        let token = house.token(None).await;
        let web = house.enrol(&token, machine("web", "a")).await.unwrap();
        assert!(!format!("{web:?}").contains(web.key.expose()));
        let connection = house.database.connection();
        for (table, column) in [("enrolment_token", "token_hash"), ("agent", "key_hash")] {
            let sql = format!("SELECT {column} AS hash, body FROM {table}");
            let statement = sea_orm::Statement::from_string(
                connection.get_database_backend(), sql);
            let rows = connection.query_all_raw(statement).await.unwrap();
            for column in ["hash", "body"] {
                let text: String = rows[0].try_get("", column).unwrap();
                assert!(!text.contains(token.expose()) && !text.contains(web.key.expose()));
            }
        }
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_the_field() {
    let folder = yunhai_test_support::databases::TestDatabase::start(
        yunhai_test_support::databases::Engine::Sqlite,
    );
    let house = House::new(&folder.url).await;
    let token = house.token(None).await;
    for (machine, field) in [
        (machine(" ", "a"), "name"),
        (machine("a\nb", "a"), "name"),
        (machine(&"a".repeat(121), "a"), "name"),
        (machine("web", ""), "machine_id"),
        (instance("web", "a", ""), "cloud/ids"),
    ] {
        let error = house.enrol(&token, machine).await.unwrap_err().to_string();
        assert!(error.starts_with(field), "{error}");
    }
    let new = |expires_at_ms, uses| NewEnrolmentToken {
        name: "web".to_owned(),
        expires_at_ms,
        uses,
        tags: BTreeMap::new(),
        created_by: "ada".to_owned(),
    };
    for (new, field) in [
        (new(START_MS, None), "expires_at_ms"),
        (new(START_MS + 400 * 24 * HOUR_MS, None), "expires_at_ms"),
        (new(START_MS + 1, Some(0)), "uses"),
    ] {
        let mut transaction = house.database.transaction();
        let made = house.enrolment.create_token(&mut transaction, new).await;
        let error = made.unwrap_err().to_string();
        assert!(error.starts_with(field), "{error}");
    }
}
