//! `yunhai user …`: on a server, or with `--data` on the state itself.

mod access;
mod invitation;

use reqwest::Method;
use yunhai_api_types::{Account, CreateUserRequest, UpdateUserRequest, User, UserRole};

use self::access::{AccessCommand, TokensCommand};
use self::invitation::InvitationCommand;
use super::{PasswordArgs, Session, segment};
use crate::client::Client;
use crate::output::{optional, print_done, print_fields, print_rows, time, word};

/// What a user may do.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum RoleArg {
    /// Everything
    Admin,
    /// Everything but users, audit and settings
    Operator,
    /// Looking
    Viewer,
}

impl From<RoleArg> for UserRole {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::Admin => Self::Admin,
            RoleArg::Operator => Self::Operator,
            RoleArg::Viewer => Self::Viewer,
        }
    }
}

/// What can be done with users.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum UserCommand {
    /// Create a user
    #[command(after_help = "Examples:
  yunhai user create --name ann --role operator
  yunhai user create --data yunhai-data --name root --role admin \\
    --password-stdin < password-file")]
    Create {
        /// The sign-in name
        #[arg(long)]
        name: String,
        /// What the user may do
        #[arg(long, value_enum)]
        role: RoleArg,
        /// The name shown to others
        #[arg(long)]
        display_name: Option<String>,
        /// An e-mail address
        #[arg(long)]
        email: Option<String>,
        #[command(flatten)]
        password: PasswordArgs,
    },
    /// List users
    List {
        /// Only users of this role
        #[arg(long, value_enum)]
        role: Option<RoleArg>,
        /// Only users in this state
        #[arg(long, value_parser = ["active", "pending", "disabled", "locked"])]
        state: Option<String>,
        /// Text that a name or the address must contain
        #[arg(long, short)]
        query: Option<String>,
    },
    /// Show a user
    Show {
        /// The sign-in name
        name: String,
    },
    /// Change how a user is called
    Edit {
        /// The sign-in name
        name: String,
        /// The name shown to others
        #[arg(long, required_unless_present = "email")]
        display_name: Option<String>,
        /// An e-mail address; an empty one removes it
        #[arg(long)]
        email: Option<String>,
    },
    /// Give a user another role
    Role {
        /// The sign-in name
        name: String,
        /// What the user may do from now on
        #[arg(value_enum)]
        role: RoleArg,
    },
    /// Set a user's password, which ends the user's sessions and tokens
    #[command(
        after_help = "An administrator who has forgotten the password sets a new one on the \
                            server's machine:
  yunhai user password ann --data yunhai-data"
    )]
    Password {
        /// The sign-in name
        name: String,
        #[command(flatten)]
        password: PasswordArgs,
    },
    /// Let a user in who has registered
    Approve {
        /// The sign-in name
        name: String,
    },
    /// Switch a user off, which ends the user's sessions
    Disable {
        /// The sign-in name
        name: String,
    },
    /// Switch a user on again
    Enable {
        /// The sign-in name
        name: String,
    },
    /// Unlock a user after too many wrong passwords
    Unlock {
        /// The sign-in name
        name: String,
    },
    /// Remove the second factor of a user who has lost it, which ends the user's sessions
    ResetTotp {
        /// The sign-in name
        name: String,
    },
    /// List or end the sessions of a user
    Sessions(AccessCommand),
    /// List or revoke the API tokens of a user
    Tokens(TokensCommand),
    /// Invite somebody to register; the code is shown once
    Invite(invitation::InviteArgs),
    /// List or withdraw invitations
    Invitations {
        #[command(subcommand)]
        command: Option<InvitationCommand>,
    },
    /// Delete a user
    Delete {
        /// The sign-in name
        name: String,
    },
}

/// Runs `yunhai user …`.
pub(crate) async fn run(session: &Session, command: UserCommand) -> anyhow::Result<()> {
    match command {
        UserCommand::Create {
            name,
            role,
            display_name,
            email,
            password,
        } => {
            let request = CreateUserRequest {
                password: password
                    .read(&format!("Password of {name}"), true)?
                    .expose()
                    .to_owned(),
                name,
                role: role.into(),
                display_name,
                email,
            };
            let user: User = match &session.data_dir {
                Some(data_dir) => crate::state::create_user(data_dir, request).await?,
                None => {
                    session
                        .client()
                        .await?
                        .send_json(Method::POST, "api/v1/users", &request)
                        .await?
                }
            };
            let sentence = format!("Created {} as {}.", user.name, word(&user.role));
            print_done(session.format, &user, &sentence);
            Ok(())
        }
        UserCommand::List { role, state, query } => {
            let mut filter = Vec::new();
            filter.extend(role.map(|role| ("role", word(&UserRole::from(role)))));
            filter.extend(state.map(|state| ("state", state)));
            filter.extend(query.map(|text| ("q", text)));
            let users: Vec<User> = session
                .client()
                .await?
                .list("api/v1/users", &filter)
                .await?;
            print_users(session, &users);
            Ok(())
        }
        UserCommand::Show { name } => {
            let client = session.client().await?;
            let path = path_of(&client, &name).await?;
            let account: Account = client.get(&path, &[]).await?;
            print_fields(
                session.format,
                &account,
                &super::me::account_fields(&account),
            );
            Ok(())
        }
        UserCommand::Edit {
            name,
            display_name,
            email,
        } => {
            let change = UpdateUserRequest {
                display_name,
                email,
                ..UpdateUserRequest::default()
            };
            update(session, &name, change, &format!("Changed {name}.")).await
        }
        UserCommand::Role { name, role } => {
            let role = UserRole::from(role);
            let change = UpdateUserRequest {
                role: Some(role),
                ..UpdateUserRequest::default()
            };
            let sentence = format!("{name} is {} now.", word(&role));
            update(session, &name, change, &sentence).await
        }
        UserCommand::Password { name, password } => {
            let new = password.read(&format!("New password of {name}"), true)?;
            let sentence = format!("{name} has a new password; sessions and tokens have ended.");
            if let Some(data_dir) = &session.data_dir {
                crate::state::set_password(data_dir, &name, &new).await?;
                print_done(session.format, &(), &sentence);
                return Ok(());
            }
            let change = UpdateUserRequest {
                password: Some(new.expose().to_owned()),
                ..UpdateUserRequest::default()
            };
            update(session, &name, change, &sentence).await
        }
        UserCommand::Approve { name } => {
            act(session, &name, "approve", &format!("{name} may sign in.")).await
        }
        UserCommand::Disable { name } => {
            let sentence = format!("{name} is switched off.");
            update(session, &name, enabled(false), &sentence).await
        }
        UserCommand::Enable { name } => {
            let sentence = format!("{name} may sign in again.");
            update(session, &name, enabled(true), &sentence).await
        }
        UserCommand::Unlock { name } => {
            act(session, &name, "unlock", &format!("Unlocked {name}.")).await
        }
        UserCommand::ResetTotp { name } => {
            let client = session.client().await?;
            let path = path_of(&client, &name).await?;
            client.delete(&format!("{path}/totp")).await?;
            let sentence = format!("{name} signs in without a second factor now.");
            print_done(session.format, &(), &sentence);
            Ok(())
        }
        UserCommand::Sessions(command) => access::sessions(session, command).await,
        UserCommand::Tokens(command) => access::tokens(session, command).await,
        UserCommand::Invite(args) => invitation::invite(session, args).await,
        UserCommand::Invitations { command } => invitation::run(session, command).await,
        UserCommand::Delete { name } => {
            let client = session.client().await?;
            let path = path_of(&client, &name).await?;
            client.delete(&path).await?;
            print_done(session.format, &(), &format!("Deleted {name}."));
            Ok(())
        }
    }
}

fn print_users(session: &Session, users: &[User]) {
    print_rows(
        session.format,
        users,
        [
            "name",
            "display name",
            "role",
            "state",
            "second factor",
            "e-mail",
            "last sign-in",
        ],
        |user| {
            [
                user.name.clone(),
                user.display_name.clone(),
                word(&user.role),
                word(&user.state),
                if user.totp_enabled { "yes" } else { "no" }.to_owned(),
                optional(user.email.as_deref()),
                time(user.last_sign_in_ms),
            ]
        },
    );
}

fn enabled(enabled: bool) -> UpdateUserRequest {
    UpdateUserRequest {
        enabled: Some(enabled),
        ..UpdateUserRequest::default()
    }
}

/// Changes a user.
async fn update(
    session: &Session,
    name: &str,
    change: UpdateUserRequest,
    sentence: &str,
) -> anyhow::Result<()> {
    let client = session.client().await?;
    let path = path_of(&client, name).await?;
    let user: User = client.send_json(Method::PATCH, &path, &change).await?;
    print_done(session.format, &user, sentence);
    Ok(())
}

/// Does something that the API has an address of its own for.
async fn act(session: &Session, name: &str, what: &str, sentence: &str) -> anyhow::Result<()> {
    let client = session.client().await?;
    let path = path_of(&client, name).await?;
    let user: User = client
        .send_json(Method::POST, &format!("{path}/{what}"), &())
        .await?;
    print_done(session.format, &user, sentence);
    Ok(())
}

/// Finds a user's path by the sign-in name.
async fn path_of(client: &Client, name: &str) -> anyhow::Result<String> {
    let users: Vec<User> = client
        .list("api/v1/users", &[("q", name.to_owned())])
        .await?;
    users
        .into_iter()
        .find(|user| user.name.to_lowercase() == name.to_lowercase())
        .map(|user| format!("api/v1/users/{}", segment(&user.id)))
        .ok_or_else(|| {
            anyhow::anyhow!("there is no user `{name}`\nhint: `yunhai user list` shows them")
        })
}
