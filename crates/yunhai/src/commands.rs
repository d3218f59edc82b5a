//! The command line: one module per noun.

mod account;
mod agent;
mod agent_token;
mod alert;
mod audit;
mod channel;
mod cloud;
mod database;
mod inhibition;
mod key;
mod me;
mod monitor;
mod probe;
mod route;
mod rule;
pub(crate) mod serve;
mod server;
mod shell;
mod sign_in;
mod silence;
mod token;
mod user;
mod window;

use std::borrow::Cow;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::Subcommand;
use tokio::sync::OnceCell;
use yunhai_model::{ByteSize, Secret};

use crate::Cli;
use crate::client::{Client, Connection};
use crate::config::DataDir;
use crate::output::Format;
use crate::state::Local;

/// What the command line can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server: API, browser interface, collector, alerting
    Serve(serve::ServeArgs),
    /// Measure this machine and send what was measured to a server; or see all agents
    Agent(agent::AgentArgs),
    /// Tokens with which machines join
    #[command(subcommand)]
    AgentToken(agent_token::AgentTokenCommand),
    /// Sign in to a server and remember it
    Login(account::LoginArgs),
    /// Forget the login and revoke its token
    Logout,
    /// Your own account: who you are, password, second factor, sessions
    Me {
        #[command(subcommand)]
        command: Option<me::MeCommand>,
    },
    /// Show how the fleet stands
    Status,
    /// Servers
    #[command(subcommand)]
    Server(server::ServerCommand),
    /// Probes: addresses that are asked again and again
    #[command(subcommand)]
    Probe(probe::ProbeCommand),
    /// Clouds: accounts whose servers are listed and measured
    #[command(subcommand)]
    Cloud(cloud::CloudCommand),
    /// Query metrics, or collect and check once
    #[command(subcommand)]
    Monitor(monitor::MonitorCommand),
    /// Alerts, rules, silences, routes and inhibitions
    #[command(subcommand)]
    Alert(alert::AlertCommand),
    /// Notification channels
    #[command(subcommand)]
    Channel(channel::ChannelCommand),
    /// Users, their sessions and tokens, and invitations
    #[command(subcommand)]
    User(user::UserCommand),
    /// Your own API tokens
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// The audit log
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// The keys that seal secrets
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Move the state to another database
    #[command(subcommand)]
    Database(database::DatabaseCommand),
    /// Print the API's description (OpenAPI 3.1)
    Openapi,
    /// Print completions for a shell
    Completions(shell::CompletionsArgs),
    /// Print the manual page, or that of a command
    Man(shell::ManArgs),
}

/// What the commands that speak to a server need.
pub(crate) struct Session {
    connection: Connection,
    /// The data directory to work on instead of a server.
    pub(crate) data_dir: Option<DataDir>,
    /// The server over it, once a command has asked for it.
    local: OnceCell<Local>,
    pub(crate) format: Format,
}

impl Session {
    /// Returns a client that is let in.
    pub(crate) async fn client(&self) -> anyhow::Result<Client> {
        let Some(data_dir) = &self.data_dir else {
            return self.connection.client();
        };
        let local = self.local.get_or_try_init(|| Local::open(data_dir)).await?;
        Client::of_local(local.server.clone())
    }

    /// Ends what commands have opened.
    async fn close(self) -> anyhow::Result<()> {
        match self.local.into_inner() {
            Some(local) => local.close().await,
            None => Ok(()),
        }
    }
}

/// Runs a command.
pub(crate) async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let session = Session {
        connection: cli.connection,
        data_dir: cli.data_dir.named(),
        local: OnceCell::new(),
        format: cli.format,
    };
    let ended = run_in(&session, cli.command).await;
    let closed = session.close().await;
    ended.and_then(|code| closed.map(|()| code))
}

async fn run_in(session: &Session, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(args) => serve::serve(args).await?,
        Command::Agent(args) => agent::run(session, args).await?,
        Command::AgentToken(command) => agent_token::run(session, command).await?,
        Command::Login(args) => account::login(session, args).await?,
        Command::Me { command } => me::run(session, command).await?,
        Command::Logout => account::logout(session).await?,
        Command::Status => server::status(session).await?,
        Command::Server(command) => server::run(session, command).await?,
        Command::Probe(command) => probe::run(session, command).await?,
        Command::Cloud(command) => cloud::run(session, command).await?,
        Command::Monitor(command) => return monitor::run(session, command).await,
        Command::Alert(command) => return alert::run(session, command).await,
        Command::Channel(command) => channel::run(session, command).await?,
        Command::User(command) => user::run(session, command).await?,
        Command::Token(command) => token::run(session, command).await?,
        Command::Audit(command) => return audit::run(session, command).await,
        Command::Key(command) => key::run(session, command).await?,
        Command::Database(command) => database::run(session, command).await?,
        Command::Openapi => crate::output::print_json(&yunhai_server::openapi()),
        Command::Completions(args) => shell::completions(&args),
        Command::Man(args) => shell::man(&args)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Takes an option's NAME=VALUE apart.
fn name_and_value<'a>(option: &str, text: &'a str) -> anyhow::Result<(&'a str, &'a str)> {
    text.split_once('=')
        .with_context(|| format!("{option} {text}: write it as NAME=VALUE"))
}

/// Where a password comes from.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct PasswordArgs {
    /// Read the password from the standard input instead of asking
    #[arg(long)]
    password_stdin: bool,
}

impl PasswordArgs {
    /// Reads the password, or asks for it (twice for a new one).
    pub(crate) fn read(&self, prompt: &str, new: bool) -> anyhow::Result<Secret> {
        if self.password_stdin {
            let mut text = String::new();
            std::io::stdin()
                .take(4096)
                .read_to_string(&mut text)
                .context("cannot read the password from the standard input")?;
            let text = text.strip_suffix('\n').unwrap_or(&text);
            let text = text.strip_suffix('\r').unwrap_or(text);
            anyhow::ensure!(
                !text.is_empty(),
                "the standard input holds no password\nhint: for example `printf %s \"$PASSWORD\" | yunhai … --password-stdin`"
            );
            return Ok(Secret::new(text));
        }
        let mut question = dialoguer::Password::new().with_prompt(prompt);
        if new {
            question = question.with_confirmation("Once more", "The two differ; try again");
        }
        question
            .interact()
            .map(Secret::new)
            .context("cannot ask for the password here\nhint: use --password-stdin")
    }
}

/// Reads a file, or the standard input where it is called `-`.
pub(crate) fn read_file_or_stdin(file: &Path) -> anyhow::Result<String> {
    /// More than any file of rules or routes.
    const MOST_BYTES: u64 = 32 << 20;
    let mut bytes = Vec::new();
    let read = if file == Path::new("-") {
        std::io::stdin()
            .take(MOST_BYTES + 1)
            .read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file)
            .and_then(|opened| opened.take(MOST_BYTES + 1).read_to_end(&mut bytes))
    };
    read.with_context(|| format!("cannot read {}", file.display()))?;
    anyhow::ensure!(
        bytes.len() as u64 <= MOST_BYTES,
        "{} is larger than {}",
        file.display(),
        ByteSize(MOST_BYTES)
    );
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].split(|byte| *byte == b'\n').count();
        anyhow::anyhow!(
            "{}, line {line}: this is not UTF-8 text\nhint: save the file as UTF-8",
            file.display()
        )
    })
}

/// Reads a moment: RFC 3339 or Unix seconds.
pub(crate) fn moment_ms(text: &str) -> Result<i64, String> {
    if let Ok(secs) = text.parse::<f64>()
        && secs.is_finite()
    {
        return Ok((secs * 1000.0).round() as i64);
    }
    text.parse::<jiff::Timestamp>()
        .map(jiff::Timestamp::as_millisecond)
        .map_err(|_| "write it like 2026-11-22T08:30:00Z, or in Unix seconds".to_owned())
}

/// Writes a text as one word of a command that people may copy into a shell.
pub(crate) fn shell_word(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:@%+=,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.into();
    }
    format!("'{}'", text.replace('\'', r"'\''")).into()
}

/// Writes one segment of a path.
pub(crate) fn segment(text: &str) -> String {
    let mut url = reqwest::Url::parse("http://localhost").expect("a constant address");
    url.path_segments_mut().expect("http has a path").push(text);
    url.path()[1..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_blanks_is_one_word_for_a_shell() {
        for (name, word) in [
            ("ops", "ops"),
            ("运维组", "运维组"),
            ("ops team", "'ops team'"),
            ("ann's $HOME", r"'ann'\''s $HOME'"),
            ("", "''"),
        ] {
            assert_eq!(shell_word(name), word);
        }
    }
}
