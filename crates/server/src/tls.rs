//! The server's certificate: from files, or made by itself.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use axum_server::tls_rustls::RustlsConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::{ServerConfig, TlsConfig};

pub(crate) const CERTIFICATE_FILE: &str = "tls-certificate.pem";
pub(crate) const KEY_FILE: &str = "tls-key.pem";

/// Returns what the listener needs to encrypt, or `None` for plain HTTP. A self-signed certificate
/// is made once and kept in `data_dir`.
pub(crate) fn rustls_config(
    config: &ServerConfig,
    data_dir: &Path,
) -> anyhow::Result<Option<RustlsConfig>> {
    let (certificate, key) = match &config.tls {
        TlsConfig::Off => return Ok(None),
        TlsConfig::Files { certificate, key } => (certificate.clone(), key.clone()),
        TlsConfig::SelfSigned => {
            let (certificate, key) = (data_dir.join(CERTIFICATE_FILE), data_dir.join(KEY_FILE));
            if !certificate.exists() || !key.exists() {
                make_self_signed(config, &certificate, &key)?;
            }
            (certificate, key)
        }
    };
    let loaded = load(&certificate, &key)?;
    Ok(Some(RustlsConfig::from_config(Arc::new(loaded))))
}

/// Reads a certificate chain and its key, and checks that they belong together.
pub(crate) fn load(certificate: &Path, key: &Path) -> anyhow::Result<rustls::ServerConfig> {
    let unusable = |path: &Path| format!("cannot use {}", path.display());
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| unusable(certificate))?;
    let private_key = PrivateKeyDer::from_pem_file(key).with_context(|| unusable(key))?;
    // More than one crypto library is compiled in, so the choice has to be said.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("cannot set TLS up")?
        .with_no_client_auth()
        .with_single_cert(chain, private_key)
        .with_context(|| {
            format!(
                "the key {} does not go with the certificate {}",
                key.display(),
                certificate.display()
            )
        })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn make_self_signed(config: &ServerConfig, certificate: &Path, key: &Path) -> anyhow::Result<()> {
    let mut names = BTreeSet::from(["localhost", "127.0.0.1", "::1"].map(str::to_owned));
    if !config.listen.ip().is_unspecified() {
        names.insert(config.listen.ip().to_string());
    }
    if let Ok(hostname) = std::fs::read_to_string("/proc/sys/kernel/hostname") {
        names.insert(hostname.trim().to_owned());
    }
    let external_host = config
        .external_url
        .as_deref()
        .and_then(|url| url.parse::<http::Uri>().ok())
        .and_then(|url| url.host().map(str::to_owned));
    names.extend(external_host);
    let names: Vec<String> = names.into_iter().collect();
    let made = rcgen::generate_simple_self_signed(names)
        .context("cannot make a self-signed certificate")?;
    write_private(key, made.signing_key.serialize_pem().as_bytes())?;
    std::fs::write(certificate, made.cert.pem())
        .with_context(|| format!("cannot write {}", certificate.display()))
}

fn write_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(bytes))
        .with_context(|| format!("cannot write {}", path.display()))
}
