//! Making, starting, stopping and deleting instances.

use std::collections::BTreeMap;

use async_trait::async_trait;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use yunhai_cloud::{
    CreateCheck, Error, ErrorKind, Finding, Lifecycle, NewServer, Operation, OperationState,
    Result, ServerAction, ServerRef,
};

use crate::account::GcpAccount;
use crate::client::Call;
use crate::compute::{self, Image, Instance, MachineType, Region, Zone, last};
use crate::error::kind_of;
use crate::order::{
    beyond_quota, faults, image_path, instance, is_name, misfits, names, new_request_id, request_id,
};

/// What an operation is followed by.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Handle {
    /// The paths of Google's operations.
    operations: Vec<String>,
    /// Why not all servers were ordered.
    refused: Option<Error>,
}

/// A server's place and number: `projects/p/zones/z/instances/1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Path<'a> {
    pub(crate) project: &'a str,
    pub(crate) zone: &'a str,
    /// Its number; its name would be that of its successor too.
    pub(crate) name: &'a str,
}

impl<'a> Path<'a> {
    /// Reads the id of a server.
    pub(crate) fn of(id: &'a str) -> Option<Self> {
        let parts: Vec<&str> = id.split('/').collect();
        let ["projects", project, "zones", zone, "instances", name] = parts[..] else {
            return None;
        };
        let is_number = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
        let is_of =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.' | ':');
        let is_path =
            is_number && is_name(zone) && !project.is_empty() && project.chars().all(is_of);
        is_path.then_some(Self {
            project,
            zone,
            name,
        })
    }
}

#[async_trait]
impl Lifecycle for GcpAccount {
    async fn check_create(&self, new: &NewServer) -> Result<CreateCheck> {
        let project = self.home_project();
        let mut findings = faults(new);
        if findings.is_empty() {
            let region = self.region(project, &new.region);
            let size = self.place(project, new);
            let image = self.image(project, new);
            let (region, size, image) = tokio::join!(region, size, image);
            if let (Ok((_, size)), Ok(image)) = (&size, &image) {
                findings.extend(misfits(new, size, image));
            }
            if let (Ok((_, size)), Ok(region)) = (&size, &region) {
                findings.extend(beyond_quota(new, size, &region.quotas));
            }
            let errors = [region.err(), size.err(), image.err()];
            // The same refusal, such as of the region, can stand in the way of two questions.
            let mut said = Vec::new();
            for error in errors.into_iter().flatten() {
                if error.is_transient() || error.kind == ErrorKind::Credentials {
                    return Err(error);
                }
                if !said.contains(&error.said) {
                    said.push(error.said.clone());
                    findings.push(error.to_string());
                }
            }
        }
        Ok(CreateCheck {
            micro_usd_per_hour: None,
            findings: findings
                .into_iter()
                .map(|text| Finding {
                    is_fatal: true,
                    text,
                })
                .collect(),
        })
    }

    async fn create(&self, new: &NewServer, client_token: &str) -> Result<Operation> {
        let project = self.home_project();
        let attempted = format!("make servers in {}", new.region);
        let faults = faults(new);
        if !faults.is_empty() {
            return Err(Error::new(ErrorKind::Invalid, attempted, faults.join("; ")));
        }
        let zone = match &new.zone {
            Some(zone) => zone.clone(),
            None => self.place(project, new).await?.0,
        };
        let mut servers = Vec::new();
        let mut handle = Handle::default();
        for name in names(new) {
            match self.make(new, &name, (project, &zone), client_token).await {
                Ok((server, operation)) => {
                    servers.push(server);
                    handle.operations.push(operation);
                }
                Err(error) if servers.is_empty() => return Err(error),
                // The others are there and paid for: who ordered them must learn of them.
                Err(error) => {
                    handle.refused = Some(error);
                    break;
                }
            }
        }
        Ok(Operation {
            servers,
            action: None,
            handle: Some(handle.stored()),
        })
    }

    async fn act(&self, server: &ServerRef, action: ServerAction) -> Result<Operation> {
        let attempted = format!("{} {}", action.verb(), last(&server.id));
        let Some(Path { project, zone, .. }) = Path::of(&server.id) else {
            return Err(Error::new(
                ErrorKind::NotFound,
                attempted,
                format!("`{}` is no server of Google Cloud", server.id),
            ));
        };
        let (method, path) = match action {
            ServerAction::Start => (Method::POST, self.start(&attempted, &server.id).await?),
            ServerAction::Stop => (Method::POST, format!("{}/stop", server.id)),
            ServerAction::Restart => (Method::POST, format!("{}/reset", server.id)),
            ServerAction::Delete => (Method::DELETE, server.id.clone()),
        };
        let ordered = self
            .order(&attempted, method, &path, new_request_id(), None)
            .await?;
        let handle = Handle {
            operations: vec![format!(
                "projects/{project}/zones/{zone}/operations/{}",
                ordered.name
            )],
            refused: None,
        };
        Ok(Operation {
            servers: vec![server.clone()],
            action: Some(action),
            handle: Some(handle.stored()),
        })
    }

    async fn follow(&self, operation: &Operation) -> Result<OperationState> {
        let attempted = "see what the servers do";
        let handle = operation.handle.as_deref().unwrap_or_default();
        let handle: Handle = serde_json::from_str(handle).map_err(|_| {
            Error::new(
                ErrorKind::Invalid,
                attempted,
                "the operation is not one of Google Cloud's",
            )
        })?;
        let mut done = 0;
        let mut others: BTreeMap<String, u32> = BTreeMap::new();
        for path in &handle.operations {
            let address = self.client.compute(path);
            let now: compute::Operation = self.client.get(attempted, address, Vec::new()).await?;
            if now.status != "DONE" {
                *others.entry(words(&now)).or_default() += 1;
                continue;
            }
            if let Some(error) = failure(operation.action, &now) {
                return Ok(OperationState::Failed { error });
            }
            done += 1;
        }
        if !others.is_empty() {
            let text: Vec<String> = others
                .into_iter()
                .map(|(words, count)| format!("{count} {words}"))
                .collect();
            let text = text.join(", ");
            return Ok(OperationState::Running { done, text });
        }
        Ok(match handle.refused {
            Some(error) => OperationState::Failed { error },
            None => OperationState::Done,
        })
    }
}

impl GcpAccount {
    /// The project that servers are made in.
    fn home_project(&self) -> &str {
        self.settings.projects.first().map_or("", String::as_str)
    }

    /// Orders one server, and returns it with the path of the operation.
    async fn make(
        &self,
        new: &NewServer,
        name: &str,
        (project, zone): (&str, &str),
        client_token: &str,
    ) -> Result<(ServerRef, String)> {
        let attempted = format!("make {name} in {zone}");
        let body = instance(new, name, project, zone);
        let path = format!("projects/{project}/zones/{zone}/instances");
        let id = request_id(&["create", client_token, project, zone, name]);
        let ordered = self.order(&attempted, Method::POST, &path, id, body);
        let ordered = ordered.await?;
        let number = if let Some(number) = ordered.target_id {
            number
        } else {
            // Emulators leave it out.
            let address = self.client.compute(&format!("{path}/{name}"));
            let made: Instance = self.client.get(&attempted, address, Vec::new()).await?;
            made.id
        };
        let server = ServerRef {
            region: new.region.clone(),
            id: format!("{path}/{number}"),
        };
        let operation = format!(
            "projects/{project}/zones/{zone}/operations/{}",
            ordered.name
        );
        Ok((server, operation))
    }

    async fn order(
        &self,
        attempted: &str,
        method: Method,
        path: &str,
        request_id: String,
        body: Option<Value>,
    ) -> Result<compute::Operation> {
        let call = Call {
            attempted,
            method,
            address: self.client.compute(path),
            query: vec![("requestId", request_id)],
        };
        self.client.call(call, body.as_ref()).await
    }

    /// What starts a server: one that was suspended goes on where it was.
    async fn start(&self, attempted: &str, id: &str) -> Result<String> {
        let address = self.client.compute(id);
        let now: Instance = self.client.get(attempted, address, Vec::new()).await?;
        let verb = if now.status == "SUSPENDED" {
            "resume"
        } else {
            "start"
        };
        Ok(format!("{id}/{verb}"))
    }

    async fn region(&self, project: &str, region: &str) -> Result<Region> {
        let attempted = format!("look at the region {region}");
        let address = self
            .client
            .compute(&format!("projects/{project}/regions/{region}"));
        self.client.get(&attempted, address, Vec::new()).await
    }

    /// Finds a zone in which the type is to be had: the one that is wanted, or the first by its name.
    async fn place(&self, project: &str, new: &NewServer) -> Result<(String, MachineType)> {
        let kind = &new.instance_type;
        let attempted = format!("find the type {kind} in {}", new.region);
        let zones = if let Some(zone) = &new.zone {
            self.check_zone(project, new, zone).await?;
            vec![zone.clone()]
        } else {
            let region = self.region(project, &new.region).await?;
            let zones = region.zones.iter();
            let mut zones: Vec<String> = zones.map(|zone| last(zone).to_owned()).collect();
            zones.sort();
            zones
        };
        let mut refusal = None;
        for zone in zones {
            let path = format!("projects/{project}/zones/{zone}/machineTypes/{kind}");
            let address = self.client.compute(&path);
            match self.client.get(&attempted, address, Vec::new()).await {
                Ok(size) => return Ok((zone, size)),
                Err(error) if error.kind == ErrorKind::NotFound => refusal = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(refusal.unwrap_or_else(|| {
            Error::new(ErrorKind::NotFound, attempted, "the region has no zones")
        }))
    }

    async fn check_zone(&self, project: &str, new: &NewServer, zone: &str) -> Result<()> {
        let attempted = format!("look at the zone {zone}");
        let path = format!("projects/{project}/zones/{zone}");
        let address = self.client.compute(&path);
        let found: Zone = self.client.get(&attempted, address, Vec::new()).await?;
        let region = last(&found.region);
        if found.status == "UP" && region == new.region {
            return Ok(());
        }
        let said = format!("the zone is {} in {region}", found.status);
        Err(Error::new(ErrorKind::Conflict, attempted, said))
    }

    async fn image(&self, project: &str, new: &NewServer) -> Result<Image> {
        let attempted = format!("find the image {}", new.image);
        let Some(path) = image_path(&new.image, project) else {
            return Err(Error::new(
                ErrorKind::Invalid,
                attempted,
                "it is no image's name",
            ));
        };
        let address = self.client.compute(&path);
        self.client.get(&attempted, address, Vec::new()).await
    }
}

impl Handle {
    fn stored(&self) -> String {
        serde_json::to_string(self).expect("text and a list of texts are JSON")
    }
}

fn words(operation: &compute::Operation) -> String {
    let status = operation.status.to_lowercase();
    match (&operation.status_message, operation.progress) {
        (Some(message), _) if !message.is_empty() => format!("{status}: {message}"),
        (_, Some(progress)) => format!("{status} ({progress} %)"),
        _ => status,
    }
}

fn failure(action: Option<ServerAction>, operation: &compute::Operation) -> Option<Error> {
    let errors = &operation.error.as_ref()?.errors;
    let first = errors.first()?;
    let said: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
    let status = operation.http_error_status_code.unwrap_or(400);
    let mut error = Error::new(
        kind_of(&first.code, &first.message, status),
        format!("{} the server", action.map_or("make", ServerAction::verb)),
        said.join("; "),
    );
    error.code = Some(first.code.clone());
    Some(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_reasons_of_a_failure_are_told() {
        let operation = serde_json::json!({
            "status": "DONE",
            "httpErrorStatusCode": 503,
            "error": { "errors": [
                { "code": "ZONE_RESOURCE_POOL_EXHAUSTED", "message": "no room" },
                { "code": "QUOTA_EXCEEDED", "message": "no quota" },
            ] },
        });
        let operation = serde_json::from_value(operation).expect("it is one");
        let error = failure(Some(ServerAction::Start), &operation).expect("it failed");
        assert_eq!(error.kind, ErrorKind::Quota);
        assert_eq!(
            error.to_string(),
            "cannot start the server: no room; no quota (ZONE_RESOURCE_POOL_EXHAUSTED)"
        );
    }

    #[test]
    fn an_id_names_a_place_and_nothing_else() {
        let path = Path::of("projects/example.com:mine/zones/europe-west3-c/instances/42");
        let path = path.expect("it is one");
        assert_eq!(
            (path.project, path.zone),
            ("example.com:mine", "europe-west3-c")
        );
        for id in [
            "i-0abc",
            "projects/mine/zones/europe-west3-c/instances/..",
            "projects/mine/zones/../instances/42",
            "projects/mine/zones/europe-west3-c/instances/42/stop",
            "projects/mine/zones/europe-west3-c/instances/42?x=y",
        ] {
            assert_eq!(Path::of(id), None, "{id}");
        }
    }
}
