//! E-mail over SMTP: the same message as HTML and as text.

use std::time::{Duration, UNIX_EPOCH};

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use serde::{Deserialize, Serialize};
use yunhai_model::Secret;

use super::{Context, sign};
use crate::config::{Faults, redact_option};
use crate::message::{Space, dialect, one_line};
use crate::{SendError, SendErrorKind};

/// A mail is read at length, but not without end.
const SPACE: Space = Space {
    bytes: 200_000,
    bytes_per_alert: 20_000,
    alerts: 100,
};

/// How the connection to the mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EmailSecurity {
    /// In the clear at first, then TLS, which the server must offer.
    #[default]
    StartTls,
    /// TLS from the beginning.
    Tls,
    /// In the clear: for a server on this machine or a trusted network.
    None,
}

/// How to reach people by e-mail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmailConfig {
    /// The mail server's name or address.
    pub host: String,
    /// Its port; without one, 587 for STARTTLS, 465 for TLS, 25 in the clear.
    #[serde(default)]
    pub port: Option<u16>,
    /// How the connection is protected.
    #[serde(default)]
    pub security: EmailSecurity,
    /// The user's name, where the server wants one.
    #[serde(default)]
    pub username: Option<String>,
    /// The user's password.
    #[serde(default, serialize_with = "redact_option")]
    pub password: Option<Secret>,
    /// The sender, as `Yunhai <alerts@example.com>`.
    pub from: String,
    /// The recipients.
    pub to: Vec<String>,
    /// Who gets a copy, for all to see.
    #[serde(default)]
    pub cc: Vec<String>,
    /// Where answers go, if not to the sender.
    #[serde(default)]
    pub reply_to: Option<String>,
    /// Whether the server's certificate must be trusted.
    #[serde(default = "default_true")]
    pub verify_certificate: bool,
    /// A certificate (PEM) to trust besides those of the system.
    #[serde(default)]
    pub ca_certificate_pem: Option<String>,
}

fn default_true() -> bool {
    true
}

impl EmailConfig {
    pub(crate) fn check(&self, faults: &mut Faults) {
        faults.require(
            !self.host.is_empty() && !self.host.contains(['/', ' ', '@']),
            "host",
            "must be the mail server's name, as smtp.example.com",
        );
        faults.require(self.port != Some(0), "port", "must be between 1 and 65535");
        check_addresses(
            faults,
            &self.from,
            &self.to,
            &self.cc,
            self.reply_to.as_ref(),
        );
        let has_user = self.username.as_ref().is_some_and(|name| !name.is_empty());
        let has_password = self.password.as_ref().is_some_and(|word| !word.is_empty());
        faults.require(
            has_user == has_password,
            if has_user { "password" } else { "username" },
            "is missing: user and password belong together",
        );
        if let Some(pem) = &self.ca_certificate_pem
            && (!pem.contains("-----BEGIN CERTIFICATE-----")
                || Certificate::from_pem(pem.as_bytes()).is_err())
        {
            faults.add("ca_certificate_pem", "is not a certificate in PEM form");
        }
    }

    fn port(&self) -> u16 {
        self.port.unwrap_or(match self.security {
            EmailSecurity::StartTls => 587,
            EmailSecurity::Tls => 465,
            EmailSecurity::None => 25,
        })
    }

    fn transport(
        &self,
        timeout: Duration,
    ) -> Result<AsyncSmtpTransport<Tokio1Executor>, SendError> {
        let tls = match self.security {
            EmailSecurity::None => Tls::None,
            EmailSecurity::StartTls => Tls::Required(self.tls()?),
            EmailSecurity::Tls => Tls::Wrapper(self.tls()?),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&self.host)
            .port(self.port())
            .tls(tls)
            .timeout(Some(timeout));
        if let (Some(username), Some(password)) = (&self.username, &self.password) {
            builder = builder.credentials(Credentials::new(
                username.clone(),
                password.expose().to_owned(),
            ));
        }
        Ok(builder.build())
    }

    fn tls(&self) -> Result<TlsParameters, SendError> {
        let mut builder = TlsParameters::builder(self.host.clone())
            .dangerous_accept_invalid_certs(!self.verify_certificate)
            .dangerous_accept_invalid_hostnames(!self.verify_certificate);
        if let Some(pem) = &self.ca_certificate_pem {
            let certificate = Certificate::from_pem(pem.as_bytes())
                .map_err(|error| invalid("ca_certificate_pem", &error))?;
            builder = builder.add_root_certificate(certificate);
        }
        builder.build().map_err(|error| invalid("host", &error))
    }
}

/// Checks the sender and all recipients of a mail, however it is sent.
pub(super) fn check_addresses(
    faults: &mut Faults,
    from: &String,
    to: &[String],
    cc: &[String],
    reply_to: Option<&String>,
) {
    faults.require(!to.is_empty(), "to", "must name at least one recipient");
    let recipients = to.iter().map(|address| ("to", address));
    let copies = cc.iter().map(|address| ("cc", address));
    let optional = reply_to.into_iter().map(|address| ("reply_to", address));
    let all = std::iter::once(("from", from));
    for (field, address) in all.chain(recipients).chain(copies).chain(optional) {
        if address.parse::<Mailbox>().is_err() {
            faults.add(
                field,
                format!("`{}` is not an e-mail address", one_line(address)),
            );
        }
    }
}

/// What a mail says, however it is sent.
pub(super) struct Mail {
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
    /// What all mails of a group refer to: a mail that was never sent, so that they are shown as
    /// one thread.
    pub(super) thread: String,
}

/// Writes a mail from a sender whose address has been checked.
pub(super) fn write(message: &crate::message::Message<'_>, from: &str) -> Mail {
    let domain = from.parse::<Mailbox>().map_or_else(
        |_| "yunhai".to_owned(),
        |from| from.email.domain().to_owned(),
    );
    let group = message_id(&sign("group", &message.notification.group_key)[..16]);
    let subject = message.title();
    let parts = message.parts(&dialect::Plain, "\n\n", SPACE);
    Mail {
        text: format!("{subject}\n\n{}\n", parts.join("\n\n")),
        html: message.html(SPACE),
        thread: format!("<group-{group}@{domain}>"),
        subject,
    }
}

fn invalid(field: &str, error: &dyn std::fmt::Display) -> SendError {
    SendError::new(SendErrorKind::InvalidConfig, format!("`{field}`: {error}"))
}

/// Delivers.
pub(super) async fn send(config: &EmailConfig, context: &Context<'_>) -> Result<String, SendError> {
    let mail = compose(config, context)?;
    let transport = config.transport(context.timeout)?;
    let answer = transport.send(mail).await.map_err(|error| judge(&error))?;
    let lines: Vec<&str> = answer.message().collect();
    Ok(format!("{} {}", answer.code(), one_line(&lines.join(" "))))
}

fn compose(config: &EmailConfig, context: &Context<'_>) -> Result<Message, SendError> {
    let mailbox = |field: &str, address: &str| -> Result<Mailbox, SendError> {
        address.parse().map_err(|error| invalid(field, &error))
    };
    let from = mailbox("from", &config.from)?;
    let domain = from.email.domain().to_owned();
    let mail = write(&context.message, &config.from);
    let sent_at = UNIX_EPOCH + Duration::from_millis(context.now_ms.max(0).unsigned_abs());
    let mut builder = Message::builder()
        .from(from)
        .subject(mail.subject)
        .date(sent_at)
        .message_id(Some(format!("<{}@{domain}>", message_id(context.id))))
        .references(mail.thread)
        .raw_header(fixed_header("Auto-Submitted", "auto-generated"))
        .raw_header(fixed_header("X-Auto-Response-Suppress", "All"));
    for address in &config.to {
        builder = builder.to(mailbox("to", address)?);
    }
    for address in &config.cc {
        builder = builder.cc(mailbox("cc", address)?);
    }
    if let Some(address) = &config.reply_to {
        builder = builder.reply_to(mailbox("reply_to", address)?);
    }
    builder
        .multipart(MultiPart::alternative_plain_html(mail.text, mail.html))
        .map_err(|error| invalid("to", &error))
}

/// Keeps of an id what can stand in a `Message-ID`.
pub(super) fn message_id(id: &str) -> String {
    id.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') {
                c
            } else {
                '-'
            }
        })
        .collect()
}

fn fixed_header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

/// Tells by the server's code whether another attempt can go better (RFC 5321, 4.2.1).
fn judge(error: &lettre::transport::smtp::Error) -> SendError {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let words = one_line(&cause.to_string());
    if let Some(code) = error.status() {
        let code = code.to_string();
        let is_credentials = matches!(code.as_str(), "530" | "534" | "535" | "538");
        let (kind, hint) = if is_credentials {
            (
                SendErrorKind::Unauthorized,
                Some("check user and password; many providers want a password made for programs"),
            )
        } else if error.is_transient() {
            (SendErrorKind::ProviderFailed, None)
        } else {
            (
                SendErrorKind::Refused,
                Some("check sender and recipients with the mail server's administrator"),
            )
        };
        let mut failure = SendError::new(kind, words).code(code);
        failure.hint = hint;
        return failure;
    }
    if error.is_timeout() {
        return SendError::new(
            SendErrorKind::TimedOut,
            "the mail server did not answer in time",
        );
    }
    if error.is_client() {
        return SendError::new(SendErrorKind::InvalidConfig, words)
            .hint("the mail server does not offer what the channel's settings want");
    }
    if error.is_tls() {
        return SendError::new(SendErrorKind::Unreachable, words)
            .hint("check that the port and the kind of encryption belong together");
    }
    SendError::new(SendErrorKind::Unreachable, words)
        .hint("check the mail server's name, port, encryption and certificate")
}
