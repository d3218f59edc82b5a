//! `yunhai user sessions` and `yunhai user tokens`: what a user holds.

use reqwest::Method;
use yunhai_api_types::{ApiToken, RevokedSessions, SessionEntry};

use super::path_of;
use crate::commands::me::print_sessions;
use crate::commands::token::print_tokens;
use crate::commands::{Session, segment};
use crate::output::print_done;

/// Whose sessions, and what becomes of them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  yunhai user sessions ann
  yunhai user sessions ann --revoke 01JDA3M5Y2Q8W4T6R1S9Z7X5C3
  yunhai user sessions ann --revoke-all")]
pub(crate) struct AccessCommand {
    /// The sign-in name
    name: String,
    /// End the session with this id
    #[arg(long, value_name = "ID", conflicts_with = "revoke_all")]
    revoke: Option<String>,
    /// End all of them
    #[arg(long)]
    revoke_all: bool,
}

/// Whose tokens, and what becomes of them.
#[derive(Debug, clap::Args)]
pub(crate) struct TokensCommand {
    /// The sign-in name
    name: String,
    /// Revoke the token with this id
    #[arg(long, value_name = "ID")]
    revoke: Option<String>,
}

/// Lists sessions, or ends them.
pub(super) async fn sessions(session: &Session, command: AccessCommand) -> anyhow::Result<()> {
    let client = session.client().await?;
    let path = path_of(&client, &command.name).await?;
    if let Some(id) = &command.revoke {
        client
            .delete(&format!("{path}/sessions/{}", segment(id)))
            .await?;
        print_done(session.format, &(), &format!("Session {id} has ended."));
    } else if command.revoke_all {
        let ended: RevokedSessions = client
            .send_json(Method::POST, &format!("{path}/sessions/revoke"), &())
            .await?;
        let sentence = format!("{} sessions of {} have ended.", ended.revoked, command.name);
        print_done(session.format, &ended, &sentence);
    } else {
        let sessions: Vec<SessionEntry> = client.list(&format!("{path}/sessions"), &[]).await?;
        print_sessions(session.format, &sessions);
    }
    Ok(())
}

/// Lists tokens, or revokes one.
pub(super) async fn tokens(session: &Session, command: TokensCommand) -> anyhow::Result<()> {
    let client = session.client().await?;
    let path = path_of(&client, &command.name).await?;
    if let Some(id) = &command.revoke {
        client
            .delete(&format!("{path}/tokens/{}", segment(id)))
            .await?;
        print_done(session.format, &(), &format!("Revoked token {id}."));
    } else {
        let tokens: Vec<ApiToken> = client.list(&format!("{path}/tokens"), &[]).await?;
        print_tokens(session.format, &tokens);
    }
    Ok(())
}
