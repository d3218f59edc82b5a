//! `yunhai token …`: API tokens.

use std::io::Write;

use reqwest::Method;
use yunhai_api_types::{ApiToken, CreateTokenRequest, CreatedToken, TokenEnd};

use super::me::Credentials;
use super::{Session, segment};
use crate::client::ApiProblem;
use crate::output::{Format, optional, print_done, print_rows, time};

const PATH: &str = "api/v1/tokens";

/// What can be done with tokens.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token; its text is shown once
    #[command(after_help = "Examples:
  yunhai token create --name grafana --scope servers:read
  yunhai token create --name prometheus --scope metrics:write --no-expiry

A token that is made with the login ends with it, at `yunhai logout` at the latest. One that outlives
the login, or has no end, takes the password: it is asked for, or read with --password-stdin, with which
the token never hangs on the login.")]
    Create {
        /// What it is for
        #[arg(long)]
        name: String,
        /// What it may do, such as servers:read; may be given several times
        #[arg(long = "scope", required = true, value_name = "PERMISSION")]
        scopes: Vec<String>,
        /// After how many days it ends: 90 unless said, and with the login at the latest
        #[arg(long, conflicts_with = "no_expiry",
            value_parser = clap::value_parser!(u32).range(1..))]
        days: Option<u32>,
        /// Make a token that does not end
        #[arg(long)]
        no_expiry: bool,
        #[command(flatten)]
        credentials: Credentials,
    },
    /// List tokens
    List,
    /// Revoke a token, and those that were made with it
    Revoke {
        /// The token's id
        id: String,
    },
}

/// Runs `yunhai token …`.
pub(crate) async fn run(session: &Session, command: TokenCommand) -> anyhow::Result<()> {
    match command {
        TokenCommand::Create {
            name,
            scopes,
            days,
            no_expiry,
            credentials,
        } => {
            let now_ms = jiff::Timestamp::now().as_millisecond();
            let request = CreateTokenRequest {
                name,
                scopes,
                expires_at_ms: match days {
                    Some(days) => TokenEnd::At(now_ms + i64::from(days) * 86_400_000),
                    None if no_expiry => TokenEnd::Never,
                    None => TokenEnd::Usual,
                },
            };
            let created = create(session, &request, &credentials).await?;
            print_done(session.format, &created, &created.token);
            tell_end(&created.entry);
        }
        TokenCommand::List => {
            let client = session.client().await?;
            let tokens: Vec<ApiToken> = client.list("api/v1/tokens", &[]).await?;
            print_tokens(session.format, &tokens);
        }
        TokenCommand::Revoke { id } => {
            session
                .client()
                .await?
                .delete(&format!("api/v1/tokens/{}", segment(&id)))
                .await?;
            print_done(session.format, &(), &format!("Revoked token {id}."));
        }
    }
    Ok(())
}

/// Tells when a token ends, beside the standard output, which is the token's alone. The end of the
/// login may have drawn it nearer.
fn tell_end(token: &ApiToken) {
    if let Some(expires_at_ms) = token.expires_at_ms {
        let login = if token.made_by.is_some() {
            ", and with this login: `yunhai logout` ends it, too"
        } else {
            ""
        };
        let _ = writeln!(
            std::io::stderr(),
            "The token ends at {}{login}.",
            time(expires_at_ms)
        );
    }
}

/// Makes a token by the login; where it would outlive that, or the password is given, by the password.
async fn create(
    session: &Session,
    request: &CreateTokenRequest,
    credentials: &Credentials,
) -> anyhow::Result<CreatedToken> {
    if !credentials.are_given() {
        let client = session.client().await?;
        match client.send_json(Method::POST, PATH, request).await {
            Err(error) if outlives(&error) && credentials.can_ask() => {}
            Err(error) if outlives(&error) => {
                return Err(error.context("cannot ask for the password here; use --password-stdin"));
            }
            made => return made,
        }
    }
    let (signed_in, _) = credentials.sign_in(session).await?;
    let created = signed_in.send_json(Method::POST, PATH, request).await?;
    signed_in.sign_out().await?;
    Ok(created)
}

/// Tells whether a token was refused for the time at which it would end.
fn outlives(error: &anyhow::Error) -> bool {
    let end = Some("/expires_at_ms");
    error.downcast_ref::<ApiProblem>().is_some_and(|problem| {
        let mut faults = problem.0.errors.iter();
        faults.any(|fault| fault.pointer.as_deref() == end)
    })
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
