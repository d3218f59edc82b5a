//! The command line: one module per noun.

mod account;
mod alert;
mod audit;
mod channel;
mod key;
mod monitor;
mod rule;
mod serve;
mod server;
mod shell;
mod silence;
mod token;
mod user;

use std::io::Read;
use std::process::ExitCode;

use anyhow::Context;
use clap::Subcommand;
use yunhai_model::Secret;

use crate::Cli;
use crate::client::{Client, Connection};
use crate::output::Format;

/// What the command line can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server: API, browser interface, collector, alerting
    Serve(serve::ServeArgs),
    /// Sign in to a server and remember it
    Login(account::LoginArgs),
    /// Forget the login and revoke its token
    Logout,
    /// Show how the fleet stands
    Status,
    /// List and show servers
    #[command(subcommand)]
    Server(server::ServerCommand),
    /// Query metrics, or collect and check once
    #[command(subcommand)]
    Monitor(monitor::MonitorCommand),
    /// Alerts, rules and silences
    #[command(subcommand)]
    Alert(alert::AlertCommand),
    /// Notification channels
    #[command(subcommand)]
    Channel(channel::ChannelCommand),
    /// Users
    #[command(subcommand)]
    User(user::UserCommand),
    /// API tokens
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// The audit log
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// The keys that seal secrets
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Print the API's description (OpenAPI 3.1)
    Openapi,
    /// Print completions for a shell
    Completions(shell::CompletionsArgs),
    /// Print the manual page
    Man,
}

/// What the commands that speak to a server need.
#[derive(Debug)]
pub(crate) struct Session {
    connection: Connection,
    pub(crate) format: Format,
}

impl Session {
    /// Returns a client that is let in.
    pub(crate) fn client(&self) -> anyhow::Result<Client> {
        self.connection.client()
    }
}

/// Runs a command.
pub(crate) async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let session = Session {
        connection: cli.connection,
        format: cli.format,
    };
    match cli.command {
        Command::Serve(args) => serve::serve(args).await?,
        Command::Login(args) => account::login(&session, args).await?,
        Command::Logout => account::logout(&session).await?,
        Command::Status => server::status(&session).await?,
        Command::Server(command) => server::run(&session, command).await?,
        Command::Monitor(command) => return monitor::run(&session, command).await,
        Command::Alert(command) => return alert::run(&session, command).await,
        Command::Channel(command) => channel::run(&session, command).await?,
        Command::User(command) => user::run(&session, command).await?,
        Command::Token(command) => token::run(&session, command).await?,
        Command::Audit(command) => return audit::run(&session, command).await,
        Command::Key(command) => key::run(command).await?,
        Command::Openapi => crate::output::print_json(&yunhai_server::openapi()),
        Command::Completions(args) => shell::completions(&args),
        Command::Man => shell::man()?,
    }
    Ok(ExitCode::SUCCESS)
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

/// Writes one segment of a path.
pub(crate) fn segment(text: &str) -> String {
    let mut url = reqwest::Url::parse("http://localhost").expect("a constant address");
    url.path_segments_mut().expect("http has a path").push(text);
    url.path()[1..].to_owned()
}
