//! `yunhai audit …`: who did what, and whether the record is as it was written.

use std::process::ExitCode;

use reqwest::Method;
use yunhai_api_types::{AuditEntry, AuditVerification};

use super::Session;
use crate::output::{print_done, print_rows, time};

/// What can be asked of the audit log.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum AuditCommand {
    /// List entries, newest first
    List {
        /// Only entries of this user
        #[arg(long)]
        actor: Option<String>,
        /// Only this action
        #[arg(long)]
        action: Option<String>,
        /// Text that the entries must contain
        #[arg(long, short)]
        query: Option<String>,
        /// At most this many
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=500))]
        limit: u32,
    },
    /// Find any change, deletion or truncation; fails where there is one
    Verify,
}

/// Runs `yunhai audit …`.
pub(crate) async fn run(session: &Session, command: AuditCommand) -> anyhow::Result<ExitCode> {
    match command {
        AuditCommand::List {
            actor,
            action,
            query,
            limit,
        } => {
            let mut filter = vec![
                ("sort", "-seq".to_owned()),
                ("page_size", limit.to_string()),
            ];
            filter.extend(actor.map(|actor| ("actor", actor)));
            filter.extend(action.map(|action| ("action", action)));
            filter.extend(query.map(|text| ("q", text)));
            let list: yunhai_api_types::List<AuditEntry> =
                session.client().await?.get("api/v1/audit", &filter).await?;
            print_rows(
                session.format,
                &list.items,
                [
                    "entry", "time", "who", "what", "on", "from", "outcome", "reason",
                ],
                |entry| {
                    [
                        entry.seq.to_string(),
                        time(entry.time_ms),
                        entry.actor.clone(),
                        entry.action.clone(),
                        entry.target.clone(),
                        entry.address.clone(),
                        entry.outcome.clone(),
                        entry.reason.clone().unwrap_or_default(),
                    ]
                },
            );
            Ok(ExitCode::SUCCESS)
        }
        AuditCommand::Verify => {
            let verification: AuditVerification = match &session.data_dir {
                Some(data_dir) => crate::state::verify_audit(data_dir).await?,
                None => {
                    session
                        .client()
                        .await?
                        .send_json(Method::POST, "api/v1/audit/verify", &())
                        .await?
                }
            };
            let sentence = match &verification.first_bad {
                None => format!(
                    "All {} entries are as they were written.",
                    verification.entries
                ),
                Some(fault) => format!("Entry {}: {}", fault.seq, fault.problem),
            };
            print_done(session.format, &verification, &sentence);
            Ok(if verification.ok {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        }
    }
}
