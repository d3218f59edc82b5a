//! What a machine installs the agent from: a script, this very program, its systemd unit, and the
//! server's own certificate. None of it is secret, so that nobody has to sign in for it.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use anyhow::Context;
use axum::Router;
use axum::body::Body;
use axum::extract::Extension;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::StreamExt;
use http::{HeaderValue, header};
use sha2::{Digest, Sha256};
use tokio::sync::{OnceCell, Semaphore};
use tokio_util::io::ReaderStream;
use yunhai_api_types::ProblemCode;

use crate::app::App;
use crate::config::{ServerConfig, TlsConfig};
use crate::error::{ApiError, ApiResult};

const SCRIPT: &str = include_str!("../install/install.sh");
const UNIT: &str = include_str!("../../../../packaging/yunhai-agent.service");

/// The running program, also after its file was replaced by a newer one.
const PROGRAM: &str = "/proc/self/exe";

/// How many machines may fetch the program at once: anybody may ask for it.
static DOWNLOADS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(8)));

/// What machines need to know to join, beside a token.
#[derive(Debug, Default)]
pub(crate) struct Joining {
    /// The server's address, where one is configured.
    pub(crate) external_url: Option<String>,
    /// The certificate that the server has made for itself, which no machine trusts yet.
    pub(crate) certificate: Option<OwnCertificate>,
}

/// A certificate that the server has made for itself.
#[derive(Debug)]
pub(crate) struct OwnCertificate {
    pem: String,
    /// The hash of its key, as curl's `--pinnedpubkey` takes it.
    pub(crate) pin: String,
}

impl Joining {
    /// Reads what is to be told. The certificate must be there by now.
    pub(crate) fn new(config: &ServerConfig, data_dir: &Path) -> anyhow::Result<Self> {
        let certificate = if config.tls == TlsConfig::SelfSigned {
            Some(OwnCertificate::read(data_dir)?)
        } else {
            None
        };
        Ok(Self {
            external_url: config.external_url.clone(),
            certificate,
        })
    }
}

impl OwnCertificate {
    fn read(data_dir: &Path) -> anyhow::Result<Self> {
        let read = |name: &str| {
            let path = data_dir.join(name);
            std::fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))
        };
        let key = rcgen::KeyPair::from_pem(&read(crate::tls::KEY_FILE)?)
            .context("cannot understand the key of the server's certificate")?;
        let hash = Sha256::digest(rcgen::PublicKeyData::subject_public_key_info(&key));
        Ok(Self {
            pem: read(crate::tls::CERTIFICATE_FILE)?,
            pin: format!("sha256//{}", STANDARD.encode(hash)),
        })
    }
}

pub(crate) fn router() -> Router<Arc<App>> {
    Router::new()
        .route(
            "/install.sh",
            get(async || text("text/x-shellscript", SCRIPT)),
        )
        .route(
            "/install/yunhai-agent.service",
            get(async || text("text/plain", UNIT)),
        )
        .route(
            "/install/architecture",
            get(async || text("text/plain", format!("{}\n", std::env::consts::ARCH))),
        )
        .route("/install/ca.pem", get(certificate))
        .route("/install/yunhai", get(program))
        .route("/install/yunhai.sha256", get(hash_of_program))
}

fn text(kind: &'static str, text: impl Into<Body>) -> Response {
    let kind = format!("{kind}; charset=utf-8");
    let headers = [
        (header::CONTENT_TYPE, kind.as_str()),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, text.into()).into_response()
}

async fn certificate(Extension(joining): Extension<Arc<Joining>>) -> ApiResult<Response> {
    let certificate = joining.certificate.as_ref().ok_or_else(|| {
        ApiError::new(
            ProblemCode::NotFound,
            "this server has not made its certificate itself",
        )
        .hint("machines trust it, or get the certificate to trust from whoever has made it")
    })?;
    Ok(text("application/x-pem-file", certificate.pem.clone()))
}

async fn program() -> ApiResult<Response> {
    let permit = Arc::clone(&DOWNLOADS).try_acquire_owned().map_err(|_| {
        ApiError::new(
            ProblemCode::Unavailable,
            "many machines are fetching the program already",
        )
        .hint("try again in a minute")
        .retry_after(30)
    })?;
    let file = tokio::fs::File::open(PROGRAM).await.map_err(unreadable)?;
    let length = file.metadata().await.map_err(unreadable)?.len();
    let chunks = ReaderStream::with_capacity(file, 64 << 10).map(move |chunk| {
        // Held until the last of it has gone out.
        let _ = &permit;
        chunk
    });
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/octet-stream"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::CONTENT_LENGTH, HeaderValue::from(length)),
    ];
    Ok((headers, Body::from_stream(chunks)).into_response())
}

/// The program's hash, as `sha256sum --check` takes it.
async fn hash_of_program() -> ApiResult<Response> {
    static HASH: OnceCell<String> = OnceCell::const_new();
    let hash = HASH
        .get_or_try_init(|| async {
            let hashed = tokio::task::spawn_blocking(|| {
                let mut hasher = Sha256::new();
                let mut file = std::fs::File::open(PROGRAM)?;
                std::io::copy(&mut file, &mut HashedWriter(&mut hasher))?;
                Ok(hex::encode(hasher.finalize()))
            });
            hashed
                .await
                .map_err(ApiError::internal)?
                .map_err(unreadable)
        })
        .await?;
    Ok(text("text/plain", format!("{hash}  yunhai\n")))
}

struct HashedWriter<'a>(&'a mut Sha256);

impl std::io::Write for HashedWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn unreadable(error: std::io::Error) -> ApiError {
    ApiError::internal(error)
}
