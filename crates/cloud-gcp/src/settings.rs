//! What an account is opened with.

use serde::Deserialize;
use serde_json::Value;
use url::{Host, Url};
use yunhai_cloud::{InvalidSettings, NO_ENDPOINT, accept, each_once, endpoint, read_settings};
use yunhai_model::Secret;

/// The fields of [`GcpSettings`] that are secret.
pub const SECRET_FIELDS: &[&str] = &["key", "configuration"];

/// The word of an endpoint that stands for `compute` or `monitoring`.
pub(crate) const SERVICE: &str = "{service}";

/// Whose rights are used.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum GcpCredentials {
    /// The key of a service account.
    ServiceAccountKey {
        /// What stands in the file that Google gives out (`"type": "service_account"`).
        key: Option<Secret>,
    },
    /// What this machine has: the file that `GOOGLE_APPLICATION_CREDENTIALS` names, gcloud's
    /// (`gcloud auth application-default login`), or the service account of the machine.
    ApplicationDefault,
    /// The identity that this machine has elsewhere, which Google trusts.
    WorkloadIdentity {
        /// What stands in the file that `gcloud iam workload-identity-pools create-cred-config`
        /// makes (`"type": "external_account"`).
        configuration: Option<Secret>,
    },
}

/// What an account is opened with.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GcpSettings {
    /// Whose rights are used.
    pub credentials: GcpCredentials,
    /// The ids of the projects that are looked at; that of the key where there are none. Servers
    /// are made in the first one.
    #[serde(default)]
    pub projects: Vec<String>,
    /// The regions that are looked at; all where there are none.
    #[serde(default)]
    pub regions: Vec<String>,
    /// Where to ask instead of Google: an emulator, or with `{service}` in it for `compute` and
    /// `monitoring`, private endpoints (`https://{service}-mine.p.googleapis.com`).
    pub endpoint: Option<String>,
}

impl GcpSettings {
    /// Reads settings that are stored as JSON, and checks them.
    pub fn parse(json: &Secret) -> Result<Self, InvalidSettings> {
        let mut settings: Self = read_settings(json)?;
        let mut faults = settings.credentials.faults();
        if settings.projects.is_empty() {
            match settings.credentials.field("project_id") {
                Some(project) => settings.projects.push(project),
                None if faults.is_empty() => {
                    faults.push("projects: at least one is needed, by its id".to_owned());
                }
                None => {}
            }
        }
        for project in settings.projects.iter().filter(|id| !is_project(id)) {
            faults.push(format!(
                "projects: `{project}` is no project's id; they look like my-project-123456"
            ));
        }
        for region in settings.regions.iter().filter(|name| !is_region(name)) {
            faults.push(format!(
                "regions: `{region}` is no region; they look like europe-west3"
            ));
        }
        match settings.endpoint.as_deref().map(address) {
            Some(None) => faults.push(format!("endpoint: {NO_ENDPOINT}")),
            Some(Some(url)) if !is_own(&url) && settings.credentials.are_of_this_machine() => {
                // A token is all that is needed to act in this machine's name.
                faults.push(
                    "endpoint: what this machine may do is told to Google and to this machine \
                     only; use a service account's key for other endpoints"
                        .to_owned(),
                );
            }
            _ => {}
        }
        settings.projects = each_once(settings.projects);
        settings.regions = each_once(settings.regions);
        accept(settings, faults)
    }

    /// The address of a service, `compute` or `monitoring`, without a final `/`.
    pub(crate) fn address(&self, service: &str) -> String {
        match &self.endpoint {
            Some(endpoint) => endpoint
                .replace(SERVICE, service)
                .trim_end_matches('/')
                .to_owned(),
            None => format!("https://{service}.googleapis.com"),
        }
    }
}

impl GcpCredentials {
    /// Says whose rights they are, without a secret.
    pub(crate) fn described(&self) -> String {
        match self {
            Self::ServiceAccountKey { .. } => match self.field("client_email") {
                Some(email) => format!("the service account {email}"),
                None => "a service account".to_owned(),
            },
            Self::ApplicationDefault => {
                "the application default credentials of this machine".to_owned()
            }
            Self::WorkloadIdentity { .. } => {
                let impersonated = self.field("service_account_impersonation_url");
                let email = impersonated.as_deref().and_then(|url| {
                    let name = url.rsplit('/').next()?;
                    name.split(':').next()
                });
                match (email, self.field("audience")) {
                    (Some(email), _) => format!("the service account {email}"),
                    (None, Some(audience)) => format!("the workload identity of {audience}"),
                    (None, None) => "a workload identity".to_owned(),
                }
            }
        }
    }

    /// The document that credentials are made from; nothing where this machine has it.
    pub(crate) fn document(&self) -> Option<Value> {
        let text = match self {
            Self::ServiceAccountKey { key } => key,
            Self::WorkloadIdentity { configuration } => configuration,
            Self::ApplicationDefault => return None,
        };
        serde_json::from_str(text.as_ref()?.expose()).ok()
    }

    fn field(&self, name: &str) -> Option<String> {
        let document = self.document()?;
        Some(document.get(name)?.as_str()?.to_owned())
    }

    fn are_of_this_machine(&self) -> bool {
        !matches!(self, Self::ServiceAccountKey { .. })
    }

    fn faults(&self) -> Vec<String> {
        let (field, kind, needed, text) = match self {
            Self::ServiceAccountKey { key } => (
                "key",
                "service_account",
                &[
                    "client_email",
                    "private_key_id",
                    "private_key",
                    "project_id",
                ][..],
                key,
            ),
            Self::WorkloadIdentity { configuration } => (
                "configuration",
                "external_account",
                &["audience", "subject_token_type", "token_url"][..],
                configuration,
            ),
            Self::ApplicationDefault => return Vec::new(),
        };
        if text
            .as_ref()
            .is_none_or(|text| text.expose().trim().is_empty())
        {
            return vec![format!("credentials.{field}: is missing")];
        }
        let Some(document) = self.document().filter(Value::is_object) else {
            return vec![format!(
                "credentials.{field}: is no JSON object; give the whole content of the file"
            )];
        };
        if document.get("type").and_then(Value::as_str) != Some(kind) {
            return vec![format!(
                "credentials.{field}: its `type` is not `{kind}`; this is another kind of file"
            )];
        }
        let mut faults: Vec<String> = needed
            .iter()
            .filter(|name| {
                let value = document.get(**name).and_then(Value::as_str);
                value.is_none_or(|value| value.trim().is_empty())
            })
            .map(|name| format!("credentials.{field}: `{name}` is missing in it"))
            .collect();
        match self {
            Self::ServiceAccountKey { .. } => {
                let key = document["private_key"].as_str().unwrap_or_default();
                if !key.is_empty() && !key.starts_with("-----BEGIN PRIVATE KEY-----") {
                    faults.push(format!(
                        "credentials.{field}: `private_key` is no private key in PEM (PKCS #8)"
                    ));
                }
            }
            _ => faults.extend(untrusted(&document)),
        }
        faults
    }
}

/// What in a configuration would have this machine run something, or tell its identity to others
/// than Google.
fn untrusted(configuration: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let source = &configuration["credential_source"];
    if !source.is_object() {
        faults.push("credentials.configuration: `credential_source` is missing in it".to_owned());
    }
    if source.get("executable").is_some() {
        faults.push(
            "credentials.configuration: programs are not run from here; name the file by \
             GOOGLE_APPLICATION_CREDENTIALS and use application default credentials"
                .to_owned(),
        );
    }
    for name in ["token_url", "service_account_impersonation_url"] {
        let Some(text) = configuration.get(name).and_then(Value::as_str) else {
            continue;
        };
        if !address(text).is_some_and(|url| is_own(&url)) {
            faults.push(format!(
                "credentials.configuration: `{name}` is no address of Google's"
            ));
        }
    }
    faults
}

/// Reads an address, with any service in the place of the word for it.
fn address(text: &str) -> Option<Url> {
    endpoint(&text.replace(SERVICE, "compute"))
}

/// Whether an address is Google's, by TLS, or this machine's.
fn is_own(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain("localhost")) => true,
        Some(Host::Domain(name)) => url.scheme() == "https" && name.ends_with(".googleapis.com"),
        None => false,
    }
}

/// Ids have 6 to 30 characters; old ones stand in a domain: `example.com:my-project`.
fn is_project(text: &str) -> bool {
    let id = text.rsplit(':').next().unwrap_or_default();
    let is_of = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    id.starts_with(|c: char| c.is_ascii_lowercase())
        && id.len() <= 63
        && id.chars().all(is_of)
        && text.chars().all(|c| is_of(c) || c == '.' || c == ':')
}

fn is_region(text: &str) -> bool {
    let is_of = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    text.contains('-')
        && text.chars().all(is_of)
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.ends_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(settings: &Value) -> Result<GcpSettings, InvalidSettings> {
        GcpSettings::parse(&Secret::new(settings.to_string()))
    }

    fn faults(settings: &Value) -> Vec<String> {
        parse(settings).expect_err("it is refused").0
    }

    fn key() -> Value {
        json!({
            "type": "service_account",
            "project_id": "of-the-key",
            "private_key_id": "1",
            "private_key": "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n",
            "client_email": "yunhai@of-the-key.iam.gserviceaccount.com",
        })
    }

    fn with_key(key: &Value) -> Value {
        json!({ "credentials": { "kind": "service_account_key", "key": key.to_string() } })
    }

    fn with_configuration(token_url: &str, source: &Value) -> Value {
        let configuration = json!({
            "type": "external_account",
            "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p",
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": token_url,
            "credential_source": source,
        });
        json!({
            "credentials": {
                "kind": "workload_identity", "configuration": configuration.to_string(),
            },
            "projects": ["my-project"],
        })
    }

    #[test]
    fn the_project_of_a_key_is_looked_at_unless_others_are_named() {
        assert_eq!(parse(&with_key(&key())).unwrap().projects, ["of-the-key"]);
        let mut named = with_key(&key());
        named["projects"] = json!(["one-project", "two-project", "one-project"]);
        let settings = parse(&named).unwrap();
        assert_eq!(settings.projects, ["one-project", "two-project"]);
        assert_eq!(
            settings.credentials.described(),
            "the service account yunhai@of-the-key.iam.gserviceaccount.com"
        );
        assert!(!format!("{settings:?}").contains("hunter2"));
    }

    #[test]
    fn every_fault_is_named_with_its_field() {
        let mut bad = key();
        bad["private_key"] = json!("hunter2");
        bad["client_email"] = json!("");
        let mut settings = with_key(&bad);
        settings["projects"] = json!(["My Project"]);
        settings["regions"] = json!(["Frankfurt", "europe-west3"]);
        settings["endpoint"] = json!("https://user:hunter2@cloud.example");
        let found = faults(&settings);
        assert_eq!(found.len(), 5, "{found:?}");
        assert!(found[0].contains("client_email"), "{found:?}");
        assert!(found[1].contains("private_key"), "{found:?}");
        assert!(found[2].contains("My Project"), "{found:?}");
        assert!(found[3].contains("Frankfurt"), "{found:?}");
        assert!(found[4].starts_with("endpoint"), "{found:?}");
        assert!(!found.concat().contains("hunter2"), "{found:?}");
    }

    #[test]
    fn a_fault_of_form_does_not_repeat_what_was_read() {
        for settings in [
            json!({ "credentials": { "kind": "service_account_key", "key": ["hunter2"] } }),
            json!({ "credentials": { "kind": "service_account_key", "key": "hunter2" } }),
            json!({ "credentials": { "kind": "workload_identity", "configuration": "{\"type\":\"hunter2\"}" } }),
        ] {
            let found = faults(&settings);
            assert!(!found.concat().contains("hunter2"), "{found:?}");
        }
    }

    #[test]
    fn the_rights_of_this_machine_are_told_to_nobody_else() {
        let default = |endpoint: &str| {
            parse(&json!({
                "credentials": { "kind": "application_default" },
                "projects": ["my-project"],
                "endpoint": endpoint,
            }))
        };
        assert!(default("http://127.0.0.1:8401").is_ok());
        assert!(default("https://{service}-mine.p.googleapis.com").is_ok());
        assert!(
            default("http://{service}.googleapis.com").is_err(),
            "in the clear"
        );
        assert!(default("https://compute.googleapis.com.evil.example").is_err());
        assert!(default("https://{service}.evil.example").is_err());
        let url = json!({ "url": "http://127.0.0.1/token" });
        assert!(
            parse(&with_configuration(
                "https://sts.googleapis.com/v1/token",
                &url
            ))
            .is_ok()
        );
        let found = faults(&with_configuration("https://evil.example/token", &url));
        assert!(found[0].contains("token_url"), "{found:?}");
    }

    #[test]
    fn no_program_is_run_for_an_identity() {
        let program = json!({ "executable": { "command": "/bin/true" } });
        let found = faults(&with_configuration(
            "https://sts.googleapis.com/v1/token",
            &program,
        ));
        assert!(found[0].contains("programs are not run"), "{found:?}");
    }

    #[test]
    fn an_endpoint_can_name_the_service() {
        let mut settings = with_key(&key());
        assert_eq!(
            parse(&settings).unwrap().address("compute"),
            "https://compute.googleapis.com"
        );
        settings["endpoint"] = json!("https://{service}-mine.p.googleapis.com/");
        assert_eq!(
            parse(&settings).unwrap().address("monitoring"),
            "https://monitoring-mine.p.googleapis.com"
        );
    }
}
