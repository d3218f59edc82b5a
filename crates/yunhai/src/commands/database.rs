//! `yunhai database …`: moving the state from one database to another.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use yunhai_api_types::AuditVerification;
use yunhai_database::{CopiedTable, CopyPlan, CopyProgress};
use yunhai_model::SystemClock;

use super::{Session, serve};
use crate::config::{Config, DataDir, STATE_FILE};
use crate::output::print_done;
use crate::state;

/// What can be done with state databases.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum DatabaseCommand {
    /// Copy the state into another, empty database, such as from SQLite to PostgreSQL
    ///
    /// Users, rules, channels, alerts, the audit log and the sealed secrets: every row is copied
    /// and compared, then the audit log is verified in the copy. The server must be stopped; the
    /// database that it used is only read and stays as it is. After a failure, or Ctrl-C, nothing
    /// is left of the copy. The data directory stays in use: the keys and the metrics are there.
    #[command(after_help = "Examples:
  yunhai database copy --data /var/lib/yunhai \\
    --to postgres://yunhai:secret@db.example.com/yunhai
  yunhai database copy --data /var/lib/yunhai \\
    --to mysql://yunhai:secret@db.example.com/yunhai
  yunhai database copy --data /var/lib/yunhai --config /etc/yunhai.toml \\
    --to /var/lib/yunhai/state.db")]
    Copy(CopyArgs),
}

/// From where to where.
#[derive(Debug, clap::Args)]
pub(crate) struct CopyArgs {
    #[command(flatten)]
    data_dir: DataDir,
    /// The empty database to copy into: a path, postgres://… or mysql://…
    #[arg(
        long,
        env = "YUNHAI_COPY_TO",
        hide_env_values = true,
        value_name = "URL"
    )]
    to: String,
}

/// A copy as it is printed.
#[derive(Debug, Serialize)]
struct Copy {
    from: String,
    to: String,
    rows: u64,
    tables: Vec<Table>,
    /// The audit log, as verified in the copy.
    audit: AuditVerification,
    duration_ms: u64,
}

#[derive(Debug, Serialize)]
struct Table {
    name: String,
    rows: u64,
}

/// Runs `yunhai database …`.
pub(crate) async fn run(session: &Session, command: DatabaseCommand) -> anyhow::Result<()> {
    let DatabaseCommand::Copy(CopyArgs { data_dir, to }) = command;
    serve::start_log(false, "warn");
    data_dir.require()?;
    let config = data_dir.load()?;
    config.check()?;
    data_dir.require_named_database(&config)?;
    let _lock = data_dir.lock_or("stop it first: what it wrote from now on would not be copied")?;
    let begun = Instant::now();
    let from = config.database_url(&data_dir.data);
    let plan = CopyPlan::new(&from, &to, &state::migrations()).await?;
    let places = [plan.source().place(), plan.target().place()].map(str::to_owned);

    let stop = CancellationToken::new();
    tokio::spawn(serve::stop_on_signal(stop.clone()));
    let copied = tokio::select! {
        copied = copy_and_verify(&plan, &data_dir, &config, &to) => copied,
        () = stop.cancelled() => Err(anyhow::anyhow!("stopped; nothing was copied")),
    };
    let (tables, audit) = match copied {
        Ok(copied) => copied,
        Err(error) => {
            let undone = plan.undo().await;
            return match undone {
                Ok(()) => Err(error),
                Err(left) => Err(error.context(format!(
                    "a part of the copy is left in {}, as it could not be removed ({left})",
                    places[1]
                ))),
            };
        }
    };
    let [from, to] = places;
    let copy = Copy {
        from,
        to,
        rows: tables.iter().map(|table| table.rows).sum(),
        tables: tables
            .into_iter()
            .map(|CopiedTable { name, rows }| Table { name, rows })
            .collect(),
        audit,
        duration_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
    };
    print_done(session.format, &copy, &report(&copy, &data_dir));
    Ok(())
}

/// Copies, and verifies the audit log with the keys of the data directory.
async fn copy_and_verify(
    plan: &CopyPlan,
    data_dir: &DataDir,
    config: &Config,
    to: &str,
) -> anyhow::Result<(Vec<CopiedTable>, AuditVerification)> {
    // Servers with data directories of their own may share the database.
    if plan.has("monitor", 2) {
        let lease = config.monitor.leader_lease.0;
        if let Some(server) = yunhai_monitor::leading_server(plan.source(), lease).await? {
            bail!(
                "the server {server} works on {}\n\
                 hint: stop every server that uses it: what they wrote from now on would not be \
                 copied",
                plan.source().place()
            );
        }
    }
    let mut shown = Shown::new();
    let copied = plan
        .execute(&SystemClock, &mut |progress| shown.show(progress))
        .await;
    drop(shown);
    let copied = copied?;
    let mut config = config.clone();
    config.database = Some(to.to_owned());
    let state = state::open_with(data_dir, &config).await?;
    let audit = state.identity.audit().verify().await;
    let audit = audit.context("cannot verify the audit log of the copy")?;
    state.database.close().await?;
    Ok((copied, yunhai_server::verification_of(audit)))
}

fn report(copy: &Copy, data_dir: &DataDir) -> String {
    let audit = match &copy.audit.first_bad {
        None => format!(
            "The audit log is whole: all {} entries are as they were written.",
            copy.audit.entries
        ),
        Some(fault) => format!(
            "Warning: the audit log is not whole, and was not before: entry {}: {}",
            fault.seq, fault.problem
        ),
    };
    let state = data_dir.data.join(STATE_FILE);
    let home = format!("SQLite at {}", state.display());
    let next = if copy.to == home {
        format!(
            "Now take the database out of the configuration and the environment, as {} is used \
             where none is named, and start the server.",
            state.display()
        )
    } else {
        "Now name the new database in the configuration (database = \"…\"), in YUNHAI_DATABASE or \
         with --database, and start the server."
            .to_owned()
    };
    let backup = if copy.from == home {
        format!(
            "\nThen move {} elsewhere as a backup: commands that name no database would go on \
             using it.",
            state.display()
        )
    } else {
        String::new()
    };
    format!(
        "Copied {} rows of {} tables from {} to {}, and compared each.\n{audit}\n{next}{backup}",
        copy.rows,
        copy.tables.len(),
        copy.from,
        copy.to,
    )
}

/// How often people are told how far it is.
const SHOW_EVERY: Duration = Duration::from_millis(200);

/// Shows on a terminal how far the copy is.
struct Shown {
    begun: Instant,
    last: Option<Instant>,
    is_terminal: bool,
}

impl Shown {
    fn new() -> Self {
        Self {
            begun: Instant::now(),
            last: None,
            is_terminal: std::io::stderr().is_terminal(),
        }
    }

    fn show(&mut self, progress: CopyProgress) {
        let is_due = self.last.is_none_or(|last| last.elapsed() >= SHOW_EVERY);
        if !self.is_terminal || !is_due {
            return;
        }
        self.last = Some(Instant::now());
        let CopyProgress { done, total } = progress;
        let per_sec = done as f64 / self.begun.elapsed().as_secs_f64().max(0.001);
        let left_secs = total.saturating_sub(done) as f64 / per_sec.max(1.0);
        let _ = write!(
            std::io::stderr(),
            "\r\x1b[Kcopying and comparing: {done} of {total} rows, {per_sec:.0}/s, {left_secs:.0} s left"
        );
    }
}

impl Drop for Shown {
    /// Clears the line, also where the copy is given up.
    fn drop(&mut self) {
        if self.last.is_some() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
