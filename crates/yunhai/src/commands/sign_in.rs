//! Signing in as a browser does, for what no API token may do: making a token, and changing one's
//! own password and second factor.

use std::io::IsTerminal;

use anyhow::Context;
use reqwest::{Method, RequestBuilder};
use serde::Serialize;
use serde::de::DeserializeOwned;
use yunhai_api_types::{ProblemCode, SessionInfo, SignInRequest};
use yunhai_model::Secret;

use crate::client::{ApiProblem, Client};

/// A session that lasts for one command.
#[derive(Debug)]
pub(crate) struct SignedIn {
    client: Client,
    cookies: String,
    pub(crate) info: SessionInfo,
}

impl SignedIn {
    /// Signs in. The one-time code is asked for where it is needed and somebody is there.
    pub(crate) async fn new(
        client: Client,
        name: &str,
        password: &Secret,
        code: Option<String>,
    ) -> anyhow::Result<Self> {
        let mut request = SignInRequest {
            name: name.to_owned(),
            password: password.expose().to_owned(),
            totp: code,
            recovery_code: None,
        };
        let response = match send(&client, &request).await {
            Err(error) if request.totp.is_none() && needs_code(&error) => {
                if !std::io::stdin().is_terminal() {
                    return Err(error.context("give the one-time code with --totp"));
                }
                request.totp = Some(
                    dialoguer::Password::new()
                        .with_prompt("One-time code")
                        .interact()?,
                );
                send(&client, &request).await?
            }
            other => other?,
        };
        let cookies: Vec<String> = response
            .headers()
            .get_all("set-cookie")
            .iter()
            .filter_map(|value| value.to_str().ok()?.split(';').next().map(str::to_owned))
            .collect();
        Ok(Self {
            cookies: cookies.join("; "),
            info: response
                .json()
                .await
                .context("the server's answer is not what this version of yunhai understands")?,
            client,
        })
    }

    fn request(&self, method: Method, path: &str) -> anyhow::Result<RequestBuilder> {
        Ok(self
            .client
            .request(method, path)?
            .header("cookie", &self.cookies)
            .header("x-csrf-token", &self.info.csrf_token))
    }

    /// Sends a JSON document and reads the answer.
    pub(crate) async fn send_json<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<T> {
        let request = self.request(method, path)?.json(body);
        crate::client::read(self.client.send(request).await?).await
    }

    /// Deletes something.
    pub(crate) async fn delete(&self, path: &str) -> anyhow::Result<()> {
        let request = self.request(Method::DELETE, path)?;
        self.client.send(request).await.map(drop)
    }

    /// Ends the session.
    pub(crate) async fn sign_out(self) -> anyhow::Result<()> {
        self.delete("api/v1/session").await
    }
}

async fn send(client: &Client, request: &SignInRequest) -> anyhow::Result<reqwest::Response> {
    let built = client.request(Method::POST, "api/v1/session")?;
    client.send(built.json(request)).await
}

fn needs_code(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<ApiProblem>()
        .is_some_and(|problem| problem.0.code == ProblemCode::TotpRequired)
}
