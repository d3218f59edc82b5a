//! The server's certificate: from files, or made by itself.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use axum_server::tls_rustls::RustlsConfig;

use crate::config::{ServerConfig, TlsConfig};

const CERTIFICATE_FILE: &str = "tls-certificate.pem";
const KEY_FILE: &str = "tls-key.pem";

/// Returns what the listener needs to encrypt, or `None` for plain HTTP. A self-signed certificate
/// is made once and kept in `data_dir`.
pub(crate) async fn rustls_config(
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
    // More than one crypto library is compiled in, so the choice has to be said.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let loaded = RustlsConfig::from_pem_file(&certificate, &key)
        .await
        .with_context(|| {
            format!(
                "cannot use the certificate {} with the key {}",
                certificate.display(),
                key.display()
            )
        })?;
    Ok(Some(RustlsConfig::from_config(Arc::clone(
        &loaded.get_inner(),
    ))))
}

fn make_self_signed(config: &ServerConfig, certificate: &Path, key: &Path) -> anyhow::Result<()> {
    let mut names = vec!["localhost".to_owned(), config.listen.ip().to_string()];
    if let Ok(hostname) = std::fs::read_to_string("/proc/sys/kernel/hostname") {
        names.push(hostname.trim().to_owned());
    }
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
