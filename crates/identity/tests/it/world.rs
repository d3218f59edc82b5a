//! An identity service with a clock that stands still and a first administrator.

use std::path::Path;
use std::sync::Arc;

use sea_orm::{ConnectionTrait, Statement};
use yunhai_database::Database;
use yunhai_identity::{
    Action, AuditFilter, Caller, DatabaseKeyRing, Error, Identity, IdentityConfig, Login,
    LoginOutcome, NewSession, NewUser, Origin, Role, User,
};
use yunhai_model::{Clock, ManualClock, PageRequest, Secret};
use yunhai_vault::Vault;

/// A password that is strong enough.
pub(crate) const PASSWORD: &str = "violet-tractor-mends-glass";

/// 2026-11-22, noon.
pub(crate) const NOW_MS: i64 = 1_795_348_800_000;

pub(crate) struct World {
    pub(crate) identity: Identity,
    pub(crate) database: Database,
    pub(crate) vault: Vault,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) folder: tempfile::TempDir,
    url: String,
}

pub(crate) fn config(folder: &Path) -> IdentityConfig {
    IdentityConfig {
        // The least that Argon2 takes, as the tests hash often.
        password_memory_kib: 8,
        password_iterations: 1,
        checkpoint_file: Some(folder.join("audit-checkpoints.jsonl")),
        ..IdentityConfig::default()
    }
}

impl World {
    pub(crate) async fn new(url: &str) -> Self {
        Self::with(url, |_| {}).await
    }

    pub(crate) async fn with(url: &str, change: impl FnOnce(&mut IdentityConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(NOW_MS));
        Self::open(url, folder, clock, change).await
    }

    /// Starts the server again.
    pub(crate) async fn restart(self, change: impl FnOnce(&mut IdentityConfig)) -> Self {
        Self::open(&self.url, self.folder, self.clock, change).await
    }

    async fn open(
        url: &str,
        folder: tempfile::TempDir,
        clock: Arc<ManualClock>,
        change: impl FnOnce(&mut IdentityConfig),
    ) -> Self {
        let database = Database::connect(url).await.unwrap();
        let ring = DatabaseKeyRing::open(database.clone(), &*clock)
            .await
            .unwrap();
        let key_file = folder.path().join("master.key");
        let shared: Arc<dyn Clock> = clock.clone();
        let vault = Vault::open_with_key_file(Arc::new(ring), &key_file, shared.clone())
            .await
            .unwrap();
        let mut config = config(folder.path());
        change(&mut config);
        let identity = Identity::new(database.clone(), vault.clone(), shared, config)
            .await
            .unwrap();
        Self {
            identity,
            database,
            vault,
            clock,
            folder,
            url: url.to_owned(),
        }
    }

    pub(crate) async fn user(&self, name: &str, role: Role) -> User {
        self.identity
            .create_user(&Caller::local("root"), new_user(name, role))
            .await
            .unwrap()
    }

    pub(crate) async fn try_login(
        &self,
        name: &str,
        password: &str,
    ) -> Result<LoginOutcome, Error> {
        self.identity.login(&login(name, password)).await
    }

    pub(crate) async fn login(&self, name: &str) -> NewSession {
        signed_in(self.try_login(name, PASSWORD).await)
    }

    /// The actions of the audit log, oldest first.
    pub(crate) async fn actions(&self) -> Vec<String> {
        let request = PageRequest::parse(None, Some(500), Some("time"), None).unwrap();
        let page = self
            .identity
            .audit()
            .list(&request, &AuditFilter::default())
            .await
            .unwrap();
        page.items.into_iter().map(|entry| entry.action).collect()
    }

    /// Counts the entries of an action.
    pub(crate) async fn count(&self, action: Action) -> usize {
        let name = action.as_str();
        self.actions()
            .await
            .iter()
            .filter(|action| *action == name)
            .count()
    }

    /// Runs a statement behind the service's back.
    pub(crate) async fn sql(&self, sql: &str) {
        self.database
            .connection()
            .execute_raw(Statement::from_string(self.database.backend(), sql))
            .await
            .unwrap();
    }

    /// Asks for a text behind the service's back.
    pub(crate) async fn text(&self, sql: &str) -> String {
        let row = self
            .database
            .connection()
            .query_one_raw(Statement::from_string(self.database.backend(), sql))
            .await
            .unwrap()
            .unwrap();
        row.try_get("", "t").unwrap()
    }
}

pub(crate) fn new_user(name: &str, role: Role) -> NewUser {
    NewUser {
        name: name.to_owned(),
        display_name: String::new(),
        email: Some(format!("{name}@example.com")),
        role,
        password: Secret::new(PASSWORD),
        language: Some("zh-CN".to_owned()),
    }
}

pub(crate) fn origin() -> Origin {
    from("192.0.2.7")
}

pub(crate) fn from(address: &str) -> Origin {
    Origin {
        address: Some(address.parse().unwrap()),
        device: Some("Firefox on Linux".to_owned()),
    }
}

pub(crate) fn login(name: &str, password: &str) -> Login {
    Login {
        name: name.to_owned(),
        password: Secret::new(password),
        code: None,
        origin: origin(),
    }
}

pub(crate) fn signed_in(outcome: Result<LoginOutcome, Error>) -> NewSession {
    match outcome {
        Ok(LoginOutcome::SignedIn(session)) => *session,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn search(text: &str) -> PageRequest {
    PageRequest::parse(None, None, None, Some(text)).unwrap()
}
