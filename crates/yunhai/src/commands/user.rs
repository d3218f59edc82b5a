//! `yunhai user …`: on a server, or with `--data` on the state itself.

use reqwest::Method;
use yunhai_api_types::{CreateUserRequest, UpdateUserRequest, User, UserRole};

use super::{PasswordArgs, Session, segment};
use crate::output::{optional, print_done, print_rows, time};

/// What can be done with users.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum UserCommand {
    /// Create a user
    Create {
        /// The sign-in name
        #[arg(long)]
        name: String,
        /// admin, operator or viewer
        #[arg(long, value_parser = parse_role)]
        role: UserRole,
        /// The name shown to others
        #[arg(long)]
        display_name: Option<String>,
        /// An e-mail address
        #[arg(long)]
        email: Option<String>,
        #[command(flatten)]
        password: PasswordArgs,
        #[command(flatten)]
        state: crate::state::OptionalDataDir,
    },
    /// List users
    List,
    /// Change a user
    Set {
        /// The sign-in name
        name: String,
        /// admin, operator or viewer
        #[arg(long, value_parser = parse_role)]
        role: Option<UserRole>,
        /// Switch the user on or off
        #[arg(long)]
        enabled: Option<bool>,
    },
    /// Unlock a user after too many wrong passwords
    Unlock {
        /// The sign-in name
        name: String,
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
            state,
        } => {
            let request = CreateUserRequest {
                password: password
                    .read(&format!("Password of {name}"), true)?
                    .expose()
                    .to_owned(),
                name,
                role,
                display_name,
                email,
            };
            let user: User = match state.named() {
                Some(data_dir) => crate::state::create_user(&data_dir, request).await?,
                None => {
                    session
                        .client()?
                        .send_json(Method::POST, "api/v1/users", &request)
                        .await?
                }
            };
            let sentence = format!("Created {} as {}.", user.name, role_word(user.role));
            print_done(session.format, &user, &sentence);
        }
        UserCommand::List => {
            let users: Vec<User> = session.client()?.list("api/v1/users", &[]).await?;
            print_rows(
                session.format,
                &users,
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
                        role_word(user.role),
                        format!("{:?}", user.state).to_lowercase(),
                        if user.totp_enabled { "yes" } else { "no" }.to_owned(),
                        optional(user.email.as_deref()),
                        time(user.last_sign_in_ms),
                    ]
                },
            );
        }
        UserCommand::Set {
            name,
            role,
            enabled,
        } => {
            let change = UpdateUserRequest {
                role,
                enabled,
                ..UpdateUserRequest::default()
            };
            let client = session.client()?;
            let path = user_path(&client, &name).await?;
            let user: User = client.send_json(Method::PATCH, &path, &change).await?;
            print_done(session.format, &user, &format!("Changed {}.", user.name));
        }
        UserCommand::Unlock { name } => {
            let client = session.client()?;
            let path = user_path(&client, &name).await?;
            let _: serde_json::Value = client
                .send_json(Method::POST, &format!("{path}/unlock"), &())
                .await?;
            print_done(session.format, &(), &format!("Unlocked {name}."));
        }
        UserCommand::Delete { name } => {
            let client = session.client()?;
            let path = user_path(&client, &name).await?;
            client.delete(&path).await?;
            print_done(session.format, &(), &format!("Deleted {name}."));
        }
    }
    Ok(())
}

/// Finds a user's path by the sign-in name.
async fn user_path(client: &crate::client::Client, name: &str) -> anyhow::Result<String> {
    let users: Vec<User> = client
        .list("api/v1/users", &[("q", name.to_owned())])
        .await?;
    users
        .into_iter()
        .find(|user| user.name == name)
        .map(|user| format!("api/v1/users/{}", segment(&user.id)))
        .ok_or_else(|| {
            anyhow::anyhow!("there is no user `{name}`\nhint: `yunhai user list` shows them")
        })
}

fn role_word(role: UserRole) -> String {
    format!("{role:?}").to_lowercase()
}

fn parse_role(text: &str) -> Result<UserRole, String> {
    match text {
        "admin" => Ok(UserRole::Admin),
        "operator" => Ok(UserRole::Operator),
        "viewer" => Ok(UserRole::Viewer),
        _ => Err("choose admin, operator or viewer".to_owned()),
    }
}
