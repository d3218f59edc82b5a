//! `yunhai token …`: API tokens.

use reqwest::Method;
use yunhai_api_types::{ApiToken, CreateTokenRequest, CreatedToken};

use super::{Session, segment};
use crate::output::{Format, optional, print_done, print_rows, time};

/// What can be done with tokens.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token; its text is shown once
    #[command(after_help = "Examples:
  yunhai token create --name grafana --scope servers:read
  yunhai token create --name prometheus --scope metrics:write --no-expiry")]
    Create {
        /// What it is for
        #[arg(long)]
        name: String,
        /// What it may do, such as servers:read; may be given several times
        #[arg(long = "scope", required = true, value_name = "PERMISSION")]
        scopes: Vec<String>,
        /// After how many days it ends
        #[arg(long, conflicts_with = "no_expiry", default_value_t = 90)]
        days: u32,
        /// Make a token that does not end
        #[arg(long)]
        no_expiry: bool,
    },
    /// List tokens
    List,
    /// Revoke a token
    Revoke {
        /// The token's id
        id: String,
    },
}

/// Runs `yunhai token …`.
pub(crate) async fn run(session: &Session, command: TokenCommand) -> anyhow::Result<()> {
    let client = session.client().await?;
    match command {
        TokenCommand::Create {
            name,
            scopes,
            days,
            no_expiry,
        } => {
            let now_ms = jiff::Timestamp::now().as_millisecond();
            let request = CreateTokenRequest {
                name,
                scopes,
                expires_at_ms: (!no_expiry).then(|| now_ms + i64::from(days) * 86_400_000),
            };
            let created: CreatedToken = client
                .send_json(Method::POST, "api/v1/tokens", &request)
                .await?;
            print_done(session.format, &created, &created.token);
        }
        TokenCommand::List => {
            let tokens: Vec<ApiToken> = client.list("api/v1/tokens", &[]).await?;
            print_tokens(session.format, &tokens);
        }
        TokenCommand::Revoke { id } => {
            client
                .delete(&format!("api/v1/tokens/{}", segment(&id)))
                .await?;
            print_done(session.format, &(), &format!("Revoked token {id}."));
        }
    }
    Ok(())
}

/// Prints tokens.
pub(crate) fn print_tokens(format: Format, tokens: &[ApiToken]) {
    print_rows(
        format,
        tokens,
        ["id", "name", "user", "scopes", "ends", "last used", "from"],
        |token| {
            [
                token.id.clone(),
                token.name.clone(),
                token.user.clone(),
                token.scopes.join(" "),
                token.expires_at_ms.map_or("never".to_owned(), time),
                time(token.last_used_ms),
                optional(token.last_used_address.as_deref()),
            ]
        },
    );
}
