//! Making, starting, deallocating and deleting virtual machines.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Method;
use serde_json::json;
use yunhai_cloud::{
    CreateCheck, Error, ErrorKind, Finding, Lifecycle, NewServer, Operation, OperationState,
    PowerState, Result, ServerAction, ServerRef,
};

use crate::account::{AzureAccount, COMPUTE_VERSION, NETWORK_VERSION};
use crate::machine::power_state;
use crate::operation::{Progress, Track};
use crate::order::{ORDER_TAG, Order, mark};

/// `resources/…/Microsoft.Authorization/stable/2020-05-01/locks.json`.
const LOCKS_VERSION: &str = "2020-05-01";

/// How long a network interface may take, and how often one looks.
const INTERFACE_PATIENCE: u32 = 60;
const LOOK: Duration = Duration::from_millis(500);

#[async_trait]
impl Lifecycle for AzureAccount {
    async fn check_create(&self, new: &NewServer) -> Result<CreateCheck> {
        Ok(CreateCheck {
            // Prices are at another place of Microsoft's, which has no part in an account.
            micro_usd_per_hour: None,
            findings: self
                .findings(new)
                .await
                .into_iter()
                .map(|text| Finding {
                    is_fatal: true,
                    text,
                })
                .collect(),
        })
    }

    async fn create(&self, new: &NewServer, client_token: &str) -> Result<Operation> {
        let attempted = format!("make servers in {}", new.region);
        let order = Order::read(new, self.settings.resource_group.as_deref())
            .map_err(|faults| Error::new(ErrorKind::Invalid, &attempted, faults.join("; ")))?;
        let mark = mark(client_token);
        let mut servers = Vec::new();
        let mut tracks = Vec::new();
        for name in order.names() {
            let made = self.create_one(&order, &name, &mark).await;
            let track = made.map_err(|mut error| {
                // They are there and paid for: who ordered them must learn of them.
                if !servers.is_empty() {
                    error.said = format!(
                        "{} ({} were made before it; the same order again goes on from there)",
                        error.said,
                        servers.len()
                    );
                }
                error
            })?;
            tracks.extend(track);
            servers.push(ServerRef {
                region: new.region.clone(),
                id: order.server_id(&name).to_ascii_lowercase(),
            });
        }
        Ok(Operation {
            servers,
            action: None,
            handle: handle(&tracks),
        })
    }

    async fn act(&self, server: &ServerRef, action: ServerAction) -> Result<Operation> {
        let id = &server.id;
        let attempted = format!("{} {}", action.verb(), name_of(id));
        if !is_machine(id) {
            let said = "its id is none of a virtual machine";
            return Err(Error::new(ErrorKind::NotFound, attempted, said));
        }
        let (method, order) = match action {
            ServerAction::Start => (Method::POST, "/start"),
            // Only this ends what the processors cost; powering off does not.
            ServerAction::Stop => (Method::POST, "/deallocate"),
            ServerAction::Restart => (Method::POST, "/restart"),
            ServerAction::Delete => (Method::DELETE, ""),
        };
        let path = format!("{id}{order}?api-version={COMPUTE_VERSION}");
        let question = self.client.manager(method, &path, None, attempted);
        let answer = self.client.ask(&question).await?;
        let track = Track::of(&answer, &self.polled);
        Ok(Operation {
            servers: vec![server.clone()],
            action: Some(action),
            handle: handle(&Vec::from_iter(track)),
        })
    }

    async fn follow(&self, operation: &Operation) -> Result<OperationState> {
        let whole = operation.servers.len() as u32;
        let mut running: BTreeMap<String, u32> = BTreeMap::new();
        let mut is_forgotten = operation.handle.is_none();
        let lines = operation.handle.as_deref().unwrap_or_default().lines();
        let verb = verb(operation);
        for track in lines.filter_map(Track::parse) {
            let attempted = match &operation.servers[..] {
                [one] => format!("{verb} {}", name_of(&one.id)),
                _ => format!("{verb} {whole} servers"),
            };
            match track
                .progress(&self.client, &self.polled, &attempted)
                .await?
            {
                Progress::Running(word) => *running.entry(word).or_default() += 1,
                Progress::Failed(error) => return Ok(OperationState::Failed { error }),
                Progress::Forgotten => is_forgotten = true,
                Progress::Done => {}
            }
        }
        if is_forgotten && running.is_empty() {
            return self.follow_servers(operation).await;
        }
        Ok(state(whole, running))
    }
}

impl AzureAccount {
    /// Makes one server, or finds it made by the same order.
    async fn create_one(&self, order: &Order<'_>, name: &str, mark: &str) -> Result<Option<Track>> {
        let attempted = format!("make the server {name} in {}", order.new.region);
        let id = order.server_id(name);
        let path = format!("{id}?api-version={COMPUTE_VERSION}");
        if self.is_made(&path, name, mark, &attempted).await? {
            self.protect(order, &id, name).await?;
            return Ok(None);
        }
        self.make_interface(order, name, mark).await?;
        let body = order.machine(name, mark);
        let mut question = self
            .client
            .manager(Method::PUT, &path, Some(&body), attempted.as_str());
        // Otherwise the same name would be changed instead of refused.
        question.only_new = true;
        let answer = match self.client.ask(&question).await {
            Ok(answer) => answer,
            // An attempt before this one got through after all, or somebody was faster.
            Err(error) if error.kind == ErrorKind::Conflict => {
                let made = self.is_made(&path, name, mark, &attempted).await;
                if made == Ok(true) {
                    self.protect(order, &id, name).await?;
                    return Ok(None);
                }
                self.discard_interface(order, name).await;
                return Err(made.err().unwrap_or(error));
            }
            Err(error) => {
                if !error.is_transient() {
                    self.discard_interface(order, name).await;
                }
                return Err(error);
            }
        };
        self.protect(order, &id, name).await?;
        Ok(Track::of(&answer, &self.polled))
    }

    /// Tells whether something is there by the same order; by another it is in the way.
    pub(crate) async fn is_made(
        &self,
        path: &str,
        name: &str,
        mark: &str,
        attempted: &str,
    ) -> Result<bool> {
        match self.client.get(path, attempted).await {
            Ok(found) if found["tags"][ORDER_TAG] == mark => Ok(true),
            Ok(_) => {
                let said = format!("{name} is there already, and not by this order");
                Err(Error::new(ErrorKind::Conflict, attempted, said))
            }
            Err(error) if is_absent(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn make_interface(&self, order: &Order<'_>, name: &str, mark: &str) -> Result<()> {
        let attempted = format!("make the network interface of the server {name}");
        let path = format!("{}?api-version={NETWORK_VERSION}", order.interface_id(name));
        // What somebody else made would be changed instead of refused.
        let interface = format!("the network interface {name}-nic");
        self.is_made(&path, &interface, mark, &attempted).await?;
        let body = order.interface(mark);
        let question = self
            .client
            .manager(Method::PUT, &path, Some(&body), attempted.as_str());
        let answer = self.client.ask(&question).await?;
        let Some(track) = Track::of(&answer, &self.polled) else {
            return Ok(());
        };
        for _ in 0..INTERFACE_PATIENCE {
            match track
                .progress(&self.client, &self.polled, &attempted)
                .await?
            {
                Progress::Done | Progress::Forgotten => return Ok(()),
                Progress::Failed(error) => return Err(error),
                Progress::Running(_) => tokio::time::sleep(LOOK).await,
            }
        }
        let said = "it is not there after half a minute; the same order again goes on from there";
        Err(Error::new(ErrorKind::Unavailable, attempted, said))
    }

    /// Nobody would know what it is for. One that somebody uses after all Azure keeps.
    async fn discard_interface(&self, order: &Order<'_>, name: &str) {
        let path = format!("{}?api-version={NETWORK_VERSION}", order.interface_id(name));
        let attempted = format!("delete the network interface of the server {name}");
        let question = self
            .client
            .manager(Method::DELETE, &path, None, attempted.as_str());
        if let Err(error) = self.client.ask(&question).await {
            tracing::warn!(%error, "a network interface without a server is left");
        }
    }

    async fn protect(&self, order: &Order<'_>, id: &str, name: &str) -> Result<()> {
        if !order.new.is_protected {
            return Ok(());
        }
        let path = format!(
            "{id}/providers/Microsoft.Authorization/locks/yunhai?api-version={LOCKS_VERSION}"
        );
        let body = json!({ "properties": {
            "level": "CanNotDelete",
            "notes": "Deleting is refused until this lock is deleted.",
        } });
        let attempted = format!("protect the server {name}, which is made, from being deleted");
        let question = self
            .client
            .manager(Method::PUT, &path, Some(&body), attempted);
        self.client.ask(&question).await.map(drop)
    }

    /// Follows by what the servers do, where Azure knows nothing of an operation any more.
    async fn follow_servers(&self, operation: &Operation) -> Result<OperationState> {
        let mut running: BTreeMap<String, u32> = BTreeMap::new();
        for server in &operation.servers {
            let path = format!(
                "{}?$expand=instanceView&api-version={COMPUTE_VERSION}",
                server.id
            );
            let attempted = format!("see what {} does", name_of(&server.id));
            let machine = match self.client.get(&path, attempted).await {
                Ok(machine) => machine,
                Err(error) if is_absent(&error) => {
                    if operation.action == Some(ServerAction::Delete) {
                        continue;
                    }
                    return Ok(OperationState::Failed { error });
                }
                Err(error) => return Err(error),
            };
            let properties = &machine["properties"];
            let provisioning = properties["provisioningState"].as_str().unwrap_or_default();
            let statuses = properties["instanceView"]["statuses"].as_array();
            let codes = statuses.into_iter().flatten();
            let state = power_state(codes.filter_map(|status| status["code"].as_str()));
            let is_there = match operation.action {
                Some(ServerAction::Stop) => state == Some(PowerState::Stopped),
                Some(ServerAction::Delete) => false,
                None | Some(ServerAction::Start | ServerAction::Restart) => {
                    state == Some(PowerState::Running) && provisioning == "Succeeded"
                }
            };
            if provisioning == "Failed" {
                let attempted = format!("{} {}", verb(operation), name_of(&server.id));
                let said = "the server is in the state Failed; its activity log says why";
                let error = Error::new(ErrorKind::Conflict, attempted, said);
                return Ok(OperationState::Failed { error });
            }
            if !is_there {
                *running.entry(provisioning.to_owned()).or_default() += 1;
            }
        }
        Ok(state(operation.servers.len() as u32, running))
    }
}

fn state(whole: u32, running: BTreeMap<String, u32>) -> OperationState {
    let waiting: u32 = running.values().sum();
    if waiting == 0 {
        return OperationState::Done;
    }
    let text: Vec<String> = running
        .into_iter()
        .map(|(word, count)| format!("{count} {word}"))
        .collect();
    OperationState::Running {
        done: whole.saturating_sub(waiting),
        text: text.join(", "),
    }
}

fn handle(tracks: &[Track]) -> Option<String> {
    let lines: Vec<String> = tracks.iter().map(Track::line).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn is_absent(error: &Error) -> bool {
    error.kind == ErrorKind::NotFound
        && error.code.as_deref() != Some("ResourceGroupNotFound")
        && error.code.as_deref() != Some("SubscriptionNotFound")
}

fn is_machine(id: &str) -> bool {
    let parts: Vec<&str> = id.split('/').collect();
    let [
        "",
        "subscriptions",
        _,
        groups,
        _,
        "providers",
        compute,
        machines,
        name,
    ] = parts[..]
    else {
        return false;
    };
    groups.eq_ignore_ascii_case("resourceGroups")
        && compute.eq_ignore_ascii_case("Microsoft.Compute")
        && machines.eq_ignore_ascii_case("virtualMachines")
        && !name.contains(['?', '#'])
}

pub(crate) fn name_of(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

fn verb(operation: &Operation) -> &'static str {
    operation.action.map_or("make", ServerAction::verb)
}
