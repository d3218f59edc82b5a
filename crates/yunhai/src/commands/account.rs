//! `yunhai login` and `yunhai logout`.

use reqwest::Method;
use yunhai_api_types::{CreateTokenRequest, CreatedToken, TokenEnd};

use super::sign_in::SignedIn;
use super::{PasswordArgs, Session};
use crate::client::Login;
use crate::output::print_done;

/// Who signs in.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  yunhai login --server https://yunhai.example.com:8420 --user ann
  yunhai login --user ann --password-stdin < password-file
  yunhai login --server https://10.0.0.5:8420 \\
    --ca-file yunhai-data/tls-certificate.pem --user ann")]
pub(crate) struct LoginArgs {
    /// The user's name
    #[arg(long, value_name = "NAME")]
    user: String,
    #[command(flatten)]
    password: PasswordArgs,
    /// The one-time code of the second factor
    #[arg(long, value_name = "CODE")]
    totp: Option<String>,
    /// How many days the login holds
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=365))]
    days: u16,
}

/// Signs in, makes a token for this machine, and remembers it.
pub(crate) async fn login(session: &Session, args: LoginArgs) -> anyhow::Result<()> {
    refuse_data_dir(session)?;
    let client = session.connection.anonymous()?;
    let password = args
        .password
        .read(&format!("Password of {}", args.user), false)?;
    let signed_in = SignedIn::new(client.clone(), &args.user, &password, args.totp).await?;
    let user = signed_in.info.user.clone();
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let request = CreateTokenRequest {
        name: format!("command line on {}", host_name()),
        scopes: signed_in.info.permissions.clone(),
        expires_at_ms: TokenEnd::At(now_ms + i64::from(args.days) * 86_400_000),
    };
    let created: CreatedToken = signed_in
        .send_json(Method::POST, "api/v1/tokens", &request)
        .await?;
    signed_in.sign_out().await?;
    let path = Login {
        server: client.server.clone(),
        user: user.name.clone(),
        token: created.token,
        ca_file: client.ca_file.clone(),
    }
    .save()?;
    print_done(
        session.format,
        &user,
        &format!(
            "Signed in to {} as {}; remembered for {} days in {}.",
            client.server,
            user.name,
            args.days,
            path.display()
        ),
    );
    Ok(())
}

/// Forgets the login and revokes its token.
pub(crate) async fn logout(session: &Session) -> anyhow::Result<()> {
    refuse_data_dir(session)?;
    let client = session.client().await;
    let Some(login) = Login::forget()? else {
        print_done(session.format, &(), "There was no login.");
        return Ok(());
    };
    // The file is gone whatever the server says: a server that is down must not keep one signed in.
    let revoked = match client {
        Ok(client) => client.delete("api/v1/tokens/current").await,
        Err(error) => Err(error),
    };
    let sentence = match revoked {
        Ok(()) => format!("Signed out of {}.", login.server),
        Err(error) => format!(
            "Forgot the login to {}, but its token could not be revoked: {error:#}",
            login.server
        ),
    };
    print_done(session.format, &(), &sentence);
    Ok(())
}

fn refuse_data_dir(session: &Session) -> anyhow::Result<()> {
    anyhow::ensure!(
        session.data_dir.is_none(),
        "a login is to a server, and --data works without one\n\
         hint: leave --data away; on the data directory no login is needed"
    );
    Ok(())
}

fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "this machine".to_owned(), |name| name.trim().to_owned())
}
