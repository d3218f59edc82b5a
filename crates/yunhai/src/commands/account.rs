//! `yunhai login` and `yunhai logout`.

use reqwest::Method;
use yunhai_api_types::{CreateTokenRequest, CreatedToken, ProblemCode, SessionInfo, SignInRequest};

use super::{PasswordArgs, Session};
use crate::client::{ApiProblem, Login};
use crate::output::print_done;

/// Who signs in.
#[derive(Debug, clap::Args)]
pub(crate) struct LoginArgs {
    /// The user's name
    #[arg(long)]
    user: String,
    #[command(flatten)]
    password: PasswordArgs,
    /// The one-time code of the second factor
    #[arg(long)]
    totp: Option<String>,
    /// How many days the login holds
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=365))]
    days: u16,
}

/// Signs in, makes a token for this machine, and remembers it.
pub(crate) async fn login(session: &Session, args: LoginArgs) -> anyhow::Result<()> {
    let mut client = session.connection.anonymous()?;
    let password = args
        .password
        .read(&format!("Password of {}", args.user), false)?;
    let mut request = SignInRequest {
        name: args.user.clone(),
        password: password.expose().to_owned(),
        totp: args.totp,
        recovery_code: None,
    };
    let sign_in = |request: &SignInRequest| {
        let built = client
            .request(Method::POST, "api/v1/session")
            .map(|builder| builder.json(request));
        let client = &client;
        async move { client.send(built?).await }
    };
    let response = match sign_in(&request).await {
        Err(error)
            if request.totp.is_none()
                && error
                    .downcast_ref::<ApiProblem>()
                    .is_some_and(|problem| problem.0.code == ProblemCode::TotpRequired)
                && std::io::IsTerminal::is_terminal(&std::io::stdin()) =>
        {
            request.totp = Some(
                dialoguer::Password::new()
                    .with_prompt("One-time code")
                    .interact()?,
            );
            sign_in(&request).await?
        }
        other => other?,
    };
    let cookies: Vec<String> = response
        .headers()
        .get_all("set-cookie")
        .iter()
        .filter_map(|value| value.to_str().ok()?.split(';').next().map(str::to_owned))
        .collect();
    let info: SessionInfo = response.json().await?;
    let with_session = |builder: reqwest::RequestBuilder| {
        builder
            .header("cookie", cookies.join("; "))
            .header("x-csrf-token", &info.csrf_token)
    };
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let request = CreateTokenRequest {
        name: format!("command line on {}", host_name()),
        scopes: info.permissions.clone(),
        expires_at_ms: Some(now_ms + i64::from(args.days) * 86_400_000),
    };
    let created: CreatedToken = client
        .send(with_session(client.request(Method::POST, "api/v1/tokens")?).json(&request))
        .await?
        .json()
        .await?;
    client
        .send(with_session(
            client.request(Method::DELETE, "api/v1/session")?,
        ))
        .await?;
    client.token = None;
    let path = Login {
        server: client.server.clone(),
        user: info.user.name.clone(),
        token: created.token,
        ca_file: client.ca_file.clone(),
    }
    .save()?;
    print_done(
        session.format,
        &info.user,
        &format!(
            "Signed in to {} as {}; remembered for {} days in {}.",
            client.server,
            info.user.name,
            args.days,
            path.display()
        ),
    );
    Ok(())
}

/// Forgets the login and revokes its token.
pub(crate) async fn logout(session: &Session) -> anyhow::Result<()> {
    let client = session.client();
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

fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "this machine".to_owned(), |name| name.trim().to_owned())
}
