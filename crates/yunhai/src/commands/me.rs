//! `yunhai me …`: one's own account.
//!
//! A token must not change its user's own credentials, so what does takes the password and signs
//! in for the one command.

use std::io::{BufRead, IsTerminal};

use anyhow::{Context, ensure};
use reqwest::Method;
use yunhai_api_types::{
    Account, ChangePasswordRequest, ConfirmTotpRequest, RecoveryCodes, RevokedSessions,
    SessionEntry, TotpEnrolment,
};
use yunhai_model::Secret;

use super::sign_in::SignedIn;
use super::{Session, segment};
use crate::output::{
    Format, optional, print_done, print_fields, print_json, print_text, time, word,
};

/// What can be done with one's own account.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum MeCommand {
    /// Show who is signed in, and how the second factor stands (without a subcommand, too)
    Show,
    /// Change the password, which ends all other sessions
    #[command(
        after_help = "With --password-stdin the current password and the new one are read, \
                            each on a line of its own."
    )]
    Password(Credentials),
    /// Turn the second factor on or off, or make new recovery codes
    #[command(subcommand)]
    Totp(TotpCommand),
    /// List your sessions in browsers
    Sessions,
    /// End one of your sessions, or all of them
    Revoke {
        /// The session's id
        #[arg(required_unless_present = "all")]
        id: Option<String>,
        /// End all sessions
        #[arg(long, conflicts_with = "id")]
        all: bool,
        #[command(flatten)]
        credentials: Credentials,
    },
}

/// What can be done with the second factor.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum TotpCommand {
    /// Turn it on: shows the secret for the authenticator app and asks for its first code
    #[command(
        after_help = "With --password-stdin the password and then the code are read, each \
                            on a line of its own."
    )]
    On(Credentials),
    /// Turn it off
    Off(Credentials),
    /// Make new recovery codes; the old ones end
    RecoveryCodes(Credentials),
}

/// How one proves again who one is.
#[derive(Debug, clap::Args)]
pub(crate) struct Credentials {
    /// Read the password from the standard input instead of asking
    #[arg(long)]
    password_stdin: bool,
    /// The one-time code of the second factor
    #[arg(long, value_name = "CODE")]
    totp: Option<String>,
}

impl Credentials {
    /// Reads one line: the next of the standard input, or what somebody types unseen.
    fn ask(&self, prompt: &str) -> anyhow::Result<Secret> {
        if !self.password_stdin {
            return dialoguer::Password::new()
                .with_prompt(prompt)
                .interact()
                .map(Secret::new)
                .context("cannot ask here\nhint: use --password-stdin");
        }
        let mut line = String::new();
        std::io::stdin()
            .lock()
            .read_line(&mut line)
            .context("cannot read the standard input")?;
        let line = line.trim_end_matches(['\r', '\n']);
        ensure!(!line.is_empty(), "{prompt}: the standard input has ended");
        Ok(Secret::new(line))
    }

    /// Tells whether the password is given without being asked for.
    pub(super) fn are_given(&self) -> bool {
        self.password_stdin
    }

    /// Tells whether one can be asked, or has given the password.
    pub(super) fn can_ask(&self) -> bool {
        self.password_stdin || std::io::stdin().is_terminal()
    }

    /// Signs in as whom the remembered login, or the token, belongs to.
    pub(super) async fn sign_in(&self, session: &Session) -> anyhow::Result<(SignedIn, Secret)> {
        let account = account(session).await?;
        let password = self.ask(&format!("Password of {}", account.user.name))?;
        let signed_in = SignedIn::new(
            session.connection.anonymous_like_login()?,
            &account.user.name,
            &password,
            self.totp.clone(),
        )
        .await?;
        Ok((signed_in, password))
    }
}

async fn account(session: &Session) -> anyhow::Result<Account> {
    session.client().await?.get("api/v1/me", &[]).await
}

/// Runs `yunhai me …`.
pub(crate) async fn run(session: &Session, command: Option<MeCommand>) -> anyhow::Result<()> {
    match command.unwrap_or(MeCommand::Show) {
        MeCommand::Show => {
            let account = account(session).await?;
            print_fields(session.format, &account, &account_fields(&account));
        }
        MeCommand::Password(credentials) => {
            let (signed_in, current) = credentials.sign_in(session).await?;
            let new = credentials.ask("New password")?;
            if !credentials.password_stdin {
                let again = credentials.ask("New password again")?;
                ensure!(new == again, "the two are not the same");
            }
            let request = ChangePasswordRequest {
                current: current.expose().to_owned(),
                new: new.expose().to_owned(),
            };
            let () = signed_in
                .send_json(Method::POST, "api/v1/me/password", &request)
                .await?;
            signed_in.sign_out().await?;
            print_done(session.format, &(), "The password is changed.");
        }
        MeCommand::Totp(command) => totp(session, command).await?,
        MeCommand::Sessions => {
            let sessions = session
                .client()
                .await?
                .list("api/v1/me/sessions", &[])
                .await?;
            print_sessions(session.format, &sessions);
        }
        MeCommand::Revoke {
            id,
            credentials,
            all: _,
        } => {
            let (signed_in, _) = credentials.sign_in(session).await?;
            let sentence = if let Some(id) = &id {
                let path = format!("api/v1/me/sessions/{}", segment(id));
                signed_in.delete(&path).await?;
                format!("Session {id} has ended.")
            } else {
                let ended: RevokedSessions = signed_in
                    .send_json(Method::POST, "api/v1/me/sessions/revoke", &())
                    .await?;
                format!("{} sessions have ended.", ended.revoked)
            };
            signed_in.sign_out().await?;
            print_done(session.format, &(), &sentence);
        }
    }
    Ok(())
}

async fn totp(session: &Session, command: TotpCommand) -> anyhow::Result<()> {
    match command {
        TotpCommand::On(credentials) => {
            let (signed_in, _) = credentials.sign_in(session).await?;
            let enrolment: TotpEnrolment = signed_in
                .send_json(Method::POST, "api/v1/me/totp", &())
                .await?;
            let told = format!(
                "Enter this secret into your authenticator app: {}\nor open this address with it: {}",
                enrolment.secret, enrolment.otpauth_url
            );
            // Programs read the recovery codes from the standard output; this is on the way there.
            match session.format {
                Format::Table => print_text(&told),
                Format::Json => print_json(&enrolment),
            }
            let code = if credentials.password_stdin || !std::io::stdin().is_terminal() {
                credentials.ask("First code")?
            } else {
                Secret::new(
                    dialoguer::Password::new()
                        .with_prompt("First code of the app")
                        .interact()?,
                )
            };
            let request = ConfirmTotpRequest {
                code: code.expose().to_owned(),
            };
            let codes: RecoveryCodes = signed_in
                .send_json(Method::POST, "api/v1/me/totp/confirm", &request)
                .await?;
            signed_in.sign_out().await?;
            print_recovery_codes(session.format, &codes);
        }
        TotpCommand::Off(credentials) => {
            let (signed_in, _) = credentials.sign_in(session).await?;
            signed_in.delete("api/v1/me/totp").await?;
            signed_in.sign_out().await?;
            print_done(session.format, &(), "The second factor is off.");
        }
        TotpCommand::RecoveryCodes(credentials) => {
            let (signed_in, _) = credentials.sign_in(session).await?;
            let codes: RecoveryCodes = signed_in
                .send_json(Method::POST, "api/v1/me/totp/recovery-codes", &())
                .await?;
            signed_in.sign_out().await?;
            print_recovery_codes(session.format, &codes);
        }
    }
    Ok(())
}

fn print_recovery_codes(format: Format, codes: &RecoveryCodes) {
    let sentence = format!(
        "Keep these recovery codes; each stands in for the second factor once:\n{}",
        codes.recovery_codes.join("\n")
    );
    print_done(format, codes, &sentence);
}

/// Writes what is shown of an account.
pub(crate) fn account_fields(account: &Account) -> Vec<(&'static str, String)> {
    let user = &account.user;
    let factor = &account.second_factor;
    let second_factor = if factor.enabled {
        format!(
            "on since {}, {} recovery codes left",
            time(factor.enabled_at_ms),
            factor.recovery_codes_left
        )
    } else {
        "off".to_owned()
    };
    vec![
        ("name", user.name.clone()),
        ("display name", user.display_name.clone()),
        ("e-mail", optional(user.email.as_deref())),
        ("role", word(&user.role)),
        ("state", word(&user.state)),
        ("locked until", time(user.locked_until_ms)),
        ("second factor", second_factor),
        ("created", time(user.created_at_ms)),
        ("last sign-in", time(user.last_sign_in_ms)),
    ]
}

/// Prints sessions.
pub(crate) fn print_sessions(format: Format, sessions: &[SessionEntry]) {
    crate::output::print_rows(
        format,
        sessions,
        ["id", "address", "browser", "since", "last seen", "ends"],
        |entry| {
            [
                entry.id.clone(),
                entry.address.clone(),
                entry.user_agent.clone(),
                time(entry.created_at_ms),
                time(entry.last_seen_ms),
                time(entry.expires_at_ms),
            ]
        },
    );
}
