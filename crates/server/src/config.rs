//! How the server listens and whom it lets in.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;
use serde::{Deserialize, Deserializer};
use yunhai_model::{ByteSize, HumanDuration};

/// The `[server]` table of the configuration file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// The address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// How connections are encrypted. Plain HTTP is refused beyond loopback unless
    /// `allow_plain_http` is set.
    pub tls: TlsConfig,
    /// Allows plain HTTP on addresses other than loopback, for example behind a proxy that
    /// encrypts.
    pub allow_plain_http: bool,
    /// The networks that may connect; empty: all.
    #[serde(deserialize_with = "networks")]
    pub allow: Vec<IpNet>,
    /// The proxies whose `X-Forwarded-For` is believed.
    #[serde(deserialize_with = "networks")]
    pub trusted_proxies: Vec<IpNet>,
    /// How many API requests one address may make a minute.
    pub requests_per_minute: u32,
    /// How many sign-ins, set-ups and registrations one address may try a minute.
    pub sign_ins_per_minute: u32,
    /// The largest request body; JSON of the API other than rule files may have 2 MiB of it.
    pub max_body: ByteSize,
    /// How long a request may take.
    pub request_timeout: HumanDuration,
    /// The address that people and notifications use to reach this server, such as
    /// `https://yunhai.example.com`; unset: the address it listens on.
    pub external_url: Option<String>,
}

/// How connections are encrypted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, tag = "mode", rename_all = "kebab-case")]
pub enum TlsConfig {
    /// Plain HTTP.
    #[default]
    Off,
    /// A certificate that the server makes for itself and keeps in the data directory.
    SelfSigned,
    /// A certificate and its key from PEM files.
    Files {
        /// The certificate chain.
        certificate: PathBuf,
        /// The private key.
        key: PathBuf,
    },
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8420)),
            tls: TlsConfig::Off,
            allow_plain_http: false,
            allow: Vec::new(),
            trusted_proxies: Vec::new(),
            requests_per_minute: 3_000,
            sign_ins_per_minute: 20,
            max_body: ByteSize(32 << 20),
            request_timeout: HumanDuration::from_secs(60),
            external_url: None,
        }
    }
}

impl ServerConfig {
    /// Tells whether browsers reach the server over HTTPS, of its own or of a proxy's: then
    /// cookies are marked `Secure`, and browsers are told to come back over HTTPS only.
    pub fn is_reached_over_https(&self) -> bool {
        self.tls != TlsConfig::Off
            || self
                .external_url
                .as_deref()
                .is_some_and(|url| url.starts_with("https://"))
    }

    /// Returns every fault, each naming its key.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.tls == TlsConfig::Off && !self.listen.ip().is_loopback() && !self.allow_plain_http {
            faults.push(format!(
                "server.listen: {} would serve plain HTTP beyond this machine; set server.tls \
                 (mode = \"self-signed\" is the quickest) or server.allow_plain_http = true \
                 behind a proxy that encrypts",
                self.listen
            ));
        }
        if let TlsConfig::Files { certificate, key } = &self.tls {
            let unreadable: Vec<String> = [("certificate", certificate), ("key", key)]
                .into_iter()
                .filter_map(|(name, path)| {
                    let error = std::fs::File::open(path).err()?;
                    let path = path.display();
                    Some(format!("server.tls.{name}: cannot read {path}: {error}"))
                })
                .collect();
            if unreadable.is_empty()
                && let Err(error) = crate::tls::load(certificate, key)
            {
                faults.push(format!("server.tls: {error:#}"));
            }
            faults.extend(unreadable);
        }
        for (name, value) in [
            ("requests_per_minute", self.requests_per_minute),
            ("sign_ins_per_minute", self.sign_ins_per_minute),
        ] {
            if value == 0 {
                faults.push(format!("server.{name}: must be at least 1"));
            }
        }
        if self.request_timeout < HumanDuration::from_secs(1) {
            faults.push("server.request_timeout: must be at least 1s".to_owned());
        }
        if let Some(url) = &self.external_url
            && !(url.starts_with("http://") || url.starts_with("https://"))
        {
            faults.push(format!(
                "server.external_url: `{url}` must start with http:// or https://"
            ));
        }
        faults
    }
}

/// Reads networks; an address alone stands for itself.
fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts
        .iter()
        .map(|text| {
            text.parse::<IpNet>()
                .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
                .map_err(|_| {
                    serde::de::Error::custom(format!(
                        "`{text}` is neither an address nor a network such as 10.0.0.0/8"
                    ))
                })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_alone_is_a_network_of_one() {
        let read =
            |list: &str| serde_json::from_str::<ServerConfig>(&format!("{{\"allow\": {list}}}"));
        let config = read(r#"["127.0.0.1", "10.0.0.0/8", "::1"]"#).unwrap();
        assert_eq!(
            config.allow,
            ["127.0.0.1/32", "10.0.0.0/8", "::1/128"].map(|net| net.parse::<IpNet>().unwrap())
        );
        let error = read(r#"["10.0.0.0/33"]"#).unwrap_err().to_string();
        assert!(
            error.contains("`10.0.0.0/33` is neither an address nor a network"),
            "{error}"
        );
    }

    #[test]
    fn plain_http_beyond_loopback_is_refused_unless_forced() {
        let mut config = ServerConfig {
            listen: "0.0.0.0:80".parse().unwrap(),
            ..ServerConfig::default()
        };
        assert!(config.faults()[0].contains("server.listen"));
        config.allow_plain_http = true;
        assert!(config.faults().is_empty());
    }

    #[test]
    fn all_faults_are_named_at_once() {
        let config = ServerConfig {
            tls: TlsConfig::Files {
                certificate: "/nonexistent/a".into(),
                key: "/nonexistent/b".into(),
            },
            requests_per_minute: 0,
            request_timeout: HumanDuration::from_secs(0),
            external_url: Some("yunhai".into()),
            ..ServerConfig::default()
        };
        assert_eq!(config.faults().len(), 5);
    }
}
