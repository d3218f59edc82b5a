//! Opens the state itself, without a server, for the commands that take `--data`.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::CommandFactory;
use clap::error::ErrorKind;
use yunhai_api_types::{AuditVerification, CreateUserRequest, User};
use yunhai_database::{Database, Migration, SETTINGS_MIGRATIONS};
use yunhai_identity::{Action, AuditEvent, Caller, DatabaseKeyRing, Identity, Target, TargetKind};
use yunhai_inventory::SealedAccounts;
use yunhai_model::{Clock, Secret, SystemClock};
use yunhai_monitor::SealedSecrets;
use yunhai_server::LocalServer;
use yunhai_vault::{Resealer, RotationReport, Vault};

use crate::GLOBAL;
use crate::commands::serve;
use crate::config::{CHECKPOINT_FILE, Config, DataDir, DataLock, KEY_FILE};

/// The data directory of a command that otherwise speaks to a server.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct OptionalDataDir {
    /// Work on this data directory itself instead of a server
    #[arg(long, global = true, value_name = "DIR", help_heading = GLOBAL)]
    data: Option<PathBuf>,
    /// A configuration file, with --data; else that of YUNHAI_CONFIG
    #[arg(long, global = true, value_name = "FILE", help_heading = GLOBAL)]
    config: Option<PathBuf>,
    /// The state database, with --data; else that of YUNHAI_DATABASE
    #[arg(long, global = true, value_name = "URL", help_heading = GLOBAL)]
    database: Option<String>,
}

impl OptionalDataDir {
    /// Returns the data directory where one is named. Ends the program where only what goes with
    /// one is.
    pub(crate) fn named(self) -> Option<DataDir> {
        let Some(data) = self.data else {
            if self.config.is_some() || self.database.is_some() {
                let reason = "--config and --database go with --data DIR";
                crate::Cli::command()
                    .error(ErrorKind::MissingRequiredArgument, reason)
                    .exit();
            }
            return None;
        };
        // The environment is that of the server too, and says nothing of where to work.
        let environment = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        Some(DataDir {
            data,
            config: self
                .config
                .or_else(|| environment("YUNHAI_CONFIG").map(PathBuf::from)),
            database: self
                .database
                .or_else(|| environment("YUNHAI_DATABASE")?.into_string().ok()),
        })
    }
}

/// A server within this process over a data directory, which is its own meanwhile.
pub(crate) struct Local {
    pub(crate) server: LocalServer,
    _lock: DataLock,
}

impl Local {
    /// Opens a data directory that is there.
    pub(crate) async fn open(data_dir: &DataDir) -> anyhow::Result<Self> {
        serve::start_log(false, "warn");
        data_dir.require()?;
        let config = data_dir.load()?;
        config.check()?;
        let lock = data_dir.lock_or(
            "leave --data away to speak to that one (`yunhai login --server URL --user NAME`), \
             or stop it",
        )?;
        let state = open_with(data_dir, &config).await?;
        let url = config.server.external_url.clone().unwrap_or_default();
        let server_config = config.server.clone();
        let parts = serve::parts(state, config, data_dir, &url);
        Ok(Self {
            server: LocalServer::open(parts, &server_config, &local_name()).await?,
            _lock: lock,
        })
    }

    /// Closes the stores and gives the directory back.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        self.server.close().await
    }
}

/// The state that all domains share.
pub(crate) struct State {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) database: Database,
    pub(crate) vault: Vault,
    pub(crate) identity: Identity,
}

/// Opens the state of a data directory that is there.
pub(crate) async fn open(data_dir: &DataDir) -> anyhow::Result<State> {
    data_dir.require()?;
    let config = data_dir.load()?;
    open_with(data_dir, &config).await
}

/// Opens the state with a configuration that is read already, making the directory where there is
/// none.
pub(crate) async fn open_with(data_dir: &DataDir, config: &Config) -> anyhow::Result<State> {
    data_dir.require_named_database(config)?;
    data_dir.make()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let database = Database::connect(&config.database_url(&data_dir.data)).await?;
    let key_ring = DatabaseKeyRing::open(database.clone(), &*clock).await?;
    let key_file = data_dir.data.join(KEY_FILE);
    let vault = Vault::open_with_key_file(Arc::new(key_ring), &key_file, Arc::clone(&clock))
        .await
        .with_context(|| format!("cannot open the secrets with {}", key_file.display()))?;
    let mut identity_config = config.identity.clone();
    identity_config.checkpoint_file = Some(data_dir.data.join(CHECKPOINT_FILE));
    let identity = Identity::new(
        database.clone(),
        vault.clone(),
        Arc::clone(&clock),
        identity_config,
    )
    .await?;
    Ok(State {
        clock,
        database,
        vault,
        identity,
    })
}

/// Creates a user without a server.
pub(crate) async fn create_user(
    data_dir: &DataDir,
    request: CreateUserRequest,
) -> anyhow::Result<User> {
    let state = open_with(data_dir, &data_dir.load()?).await?;
    let user = state
        .identity
        .create_user(&local_caller(), yunhai_server::new_user(request))
        .await?;
    Ok(yunhai_server::user_of(user))
}

/// Sets a user's password without a server.
pub(crate) async fn set_password(
    data_dir: &DataDir,
    name: &str,
    password: &Secret,
) -> anyhow::Result<()> {
    let state = open(data_dir).await?;
    let user = state.identity.user_named(name).await?;
    state
        .identity
        .set_password(&local_caller(), user.id, password)
        .await?;
    Ok(())
}

/// Verifies the audit log without a server.
pub(crate) async fn verify_audit(data_dir: &DataDir) -> anyhow::Result<AuditVerification> {
    let state = open(data_dir).await?;
    let audit = state.identity.audit();
    let verification = audit.verify_for(&local_caller()).await?;
    Ok(yunhai_server::verification_of(verification))
}

/// All steps that this release knows to bring a state database up to date.
pub(crate) fn migrations() -> Vec<Migration> {
    [
        yunhai_identity::MIGRATIONS,
        yunhai_monitor::MIGRATIONS,
        yunhai_inventory::MIGRATIONS,
        yunhai_enrolment::MIGRATIONS,
        SETTINGS_MIGRATIONS,
    ]
    .concat()
}

/// Makes a new data key and has every domain seal its secrets anew.
pub(crate) async fn rotate_keys(data_dir: &DataDir) -> anyhow::Result<RotationReport> {
    let state = open(data_dir).await?;
    let alerting = SealedSecrets::open(state.database.clone(), &*state.clock).await?;
    let clouds = SealedAccounts::open(state.database.clone(), &*state.clock).await?;
    let domains: [&dyn Resealer; 3] = [&state.identity, &alerting, &clouds];
    let report = state.vault.rotate(&domains).await?;
    let event = AuditEvent::new(
        Action::KeyRotated,
        Target::new(TargetKind::Key, &report.key_id, ""),
    );
    state
        .identity
        .audit()
        .record(&local_caller(), event)
        .await?;
    Ok(report)
}

/// Whoever sits at the command line of this machine.
fn local_caller() -> Caller {
    Caller::local(&local_name())
}

fn local_name() -> String {
    // Cron sets only the second on some systems.
    ["USER", "LOGNAME"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()))
        .unwrap_or_else(|| "local".to_owned())
}
