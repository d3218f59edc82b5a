//! Making, starting, stopping and deleting instances.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_ec2::error::ProvideErrorMetadata as _;
use aws_sdk_ec2::operation::run_instances::builders::RunInstancesFluentBuilder;
use aws_sdk_ec2::types::{
    ArchitectureType, BlockDeviceMapping, EbsBlockDevice, HttpTokensState, Image, Instance,
    InstanceMetadataOptionsRequest, InstanceStateName, InstanceType, Placement, ResourceType, Tag,
    TagSpecification,
};
use yunhai_cloud::{
    CreateCheck, Error, ErrorKind, Finding, Lifecycle, NewServer, Operation, OperationState,
    Result, ServerAction, ServerRef,
};

use crate::account::AwsAccount;
use crate::error::told;

#[async_trait]
impl Lifecycle for AwsAccount {
    async fn check_create(&self, new: &NewServer) -> Result<CreateCheck> {
        let image = self.image(new).await;
        let mut problems = Vec::new();
        let root_device = match &image {
            Ok(image) => {
                problems.extend(self.unfit_type(new, image).await);
                root_device(image)
            }
            Err(error) => {
                problems.push(error.clone());
                None
            }
        };
        // The provider's own dry run checks rights and the rest of the request.
        let order = self.order(new, "dry-run", root_device).dry_run(true);
        match order.send().await {
            Ok(_) => {}
            Err(error) if error.code() == Some("DryRunOperation") => {}
            Err(error) => {
                let error = told("make the servers", &error);
                if !problems.iter().any(|known| is_same(known, &error)) {
                    problems.push(error);
                }
            }
        }
        Ok(CreateCheck {
            micro_usd_per_hour: None,
            findings: problems
                .into_iter()
                .map(|error| Finding {
                    is_fatal: true,
                    text: error.to_string(),
                })
                .collect(),
        })
    }

    async fn create(&self, new: &NewServer, client_token: &str) -> Result<Operation> {
        let root_device = match new.disk_gib {
            Some(_) => root_device(&self.image(new).await?),
            None => None,
        };
        let made = self.order(new, client_token, root_device).send().await;
        let attempted = format!("make servers in {}", new.region);
        let made = made.map_err(|error| told(&attempted, &error))?;
        let mut ids: Vec<String> = made
            .instances()
            .iter()
            .filter_map(|instance| instance.instance_id().map(str::to_owned))
            .collect();
        // So that each gets the same number if this is done again.
        ids.sort();
        if new.count > 1
            && let Err(error) = self.number(new, &ids).await
        {
            // They are there and paid for: who ordered them must learn of them all the same.
            tracing::warn!(%error, "servers that were made could not be given their numbers");
        }
        Ok(Operation {
            servers: ids
                .into_iter()
                .map(|id| ServerRef {
                    region: new.region.clone(),
                    id,
                })
                .collect(),
            action: None,
            handle: None,
        })
    }

    async fn act(&self, server: &ServerRef, action: ServerAction) -> Result<Operation> {
        let ec2 = self.clients.of(&server.region).ec2;
        let id = server.id.as_str();
        let failure = match action {
            ServerAction::Start => {
                let answer = ec2.start_instances().instance_ids(id).send().await;
                answer.err().map(|e| told(format!("start {id}"), &e))
            }
            ServerAction::Stop => {
                let answer = ec2.stop_instances().instance_ids(id).send().await;
                answer.err().map(|e| told(format!("stop {id}"), &e))
            }
            ServerAction::Restart => {
                let answer = ec2.reboot_instances().instance_ids(id).send().await;
                answer.err().map(|e| told(format!("restart {id}"), &e))
            }
            ServerAction::Delete => {
                let answer = ec2.terminate_instances().instance_ids(id).send().await;
                answer.err().map(|e| told(format!("delete {id}"), &e))
            }
        };
        match failure {
            Some(error) => Err(error),
            None => Ok(Operation {
                servers: vec![server.clone()],
                action: Some(action),
                handle: None,
            }),
        }
    }

    async fn follow(&self, operation: &Operation) -> Result<OperationState> {
        let mut by_region: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for server in &operation.servers {
            by_region
                .entry(&server.region)
                .or_default()
                .push(server.id.clone());
        }
        let mut done = 0;
        let mut others = BTreeMap::new();
        for (region, ids) in by_region {
            let ec2 = self.clients.of(region).ec2;
            let answer = ec2
                .describe_instances()
                .set_instance_ids(Some(ids.clone()))
                .send()
                .await;
            let answer = match answer {
                Ok(answer) => answer,
                // What is deleted is forgotten in the end, and what was just made is not known
                // everywhere at once.
                Err(error) if error.code() == Some("InvalidInstanceID.NotFound") => {
                    match operation.action {
                        Some(ServerAction::Delete) => done += ids.len() as u32,
                        _ => *others.entry("unknown".to_owned()).or_insert(0) += ids.len() as u32,
                    }
                    continue;
                }
                Err(error) => return Err(told("see what the servers do", &error)),
            };
            for instance in answer
                .reservations()
                .iter()
                .flat_map(aws_sdk_ec2::types::Reservation::instances)
            {
                let state = instance.state().and_then(|state| state.name());
                let reason = instance.state_reason().and_then(|reason| reason.code());
                let has_reason = reason.is_some_and(|code| !code.contains("UserInitiated"));
                match progress(operation.action, state, has_reason) {
                    Progress::Done => done += 1,
                    Progress::Failed => return Ok(failed(operation.action, instance)),
                    Progress::Running => {
                        let word = state.map_or("unknown", InstanceStateName::as_str);
                        *others.entry(word.to_owned()).or_insert(0) += 1;
                    }
                }
            }
        }
        if done as usize == operation.servers.len() {
            return Ok(OperationState::Done);
        }
        let text: Vec<String> = others
            .into_iter()
            .map(|(word, count): (String, u32)| format!("{count} {word}"))
            .collect();
        Ok(OperationState::Running {
            done,
            text: text.join(", "),
        })
    }
}

impl AwsAccount {
    /// What is ordered, for a dry run and in earnest.
    fn order(
        &self,
        new: &NewServer,
        client_token: &str,
        root_device: Option<String>,
    ) -> RunInstancesFluentBuilder {
        let mut tags: Vec<Tag> = new
            .tags
            .iter()
            .filter(|(key, _)| key.as_str() != "Name")
            .map(|(key, value)| Tag::builder().key(key).value(value).build())
            .collect();
        tags.push(Tag::builder().key("Name").value(&new.name).build());
        let mut order = self
            .clients
            .of(&new.region)
            .ec2
            .run_instances()
            .client_token(client_token)
            .image_id(&new.image)
            .instance_type(InstanceType::from(new.instance_type.as_str()))
            .min_count(new.count as i32)
            .max_count(new.count as i32)
            .set_key_name(new.ssh_key.clone())
            .set_subnet_id(new.subnet.clone())
            .disable_api_termination(new.is_protected)
            // Credentials of the instance's role are given out to signed questions only.
            .metadata_options(
                InstanceMetadataOptionsRequest::builder()
                    .http_tokens(HttpTokensState::Required)
                    .build(),
            )
            .tag_specifications(
                TagSpecification::builder()
                    .resource_type(ResourceType::Instance)
                    .set_tags(Some(tags))
                    .build(),
            );
        if !new.security_groups.is_empty() {
            order = order.set_security_group_ids(Some(new.security_groups.clone()));
        }
        if let Some(zone) = &new.zone {
            order = order.placement(Placement::builder().availability_zone(zone).build());
        }
        if let Some(user_data) = &new.user_data {
            order = order.user_data(base64(user_data.expose()));
        }
        if let (Some(size_gib), Some(device)) = (new.disk_gib, root_device) {
            let disk = EbsBlockDevice::builder()
                .volume_size(size_gib as i32)
                .delete_on_termination(true)
                .build();
            order = order.block_device_mappings(
                BlockDeviceMapping::builder()
                    .device_name(device)
                    .ebs(disk)
                    .build(),
            );
        }
        order
    }

    async fn image(&self, new: &NewServer) -> Result<Image> {
        let attempted = format!("find the image {} in {}", new.image, new.region);
        let ec2 = self.clients.of(&new.region).ec2;
        let answer = ec2.describe_images().image_ids(&new.image).send().await;
        let answer = answer.map_err(|error| told(&attempted, &error))?;
        answer.images().first().cloned().ok_or_else(|| {
            Error::new(
                ErrorKind::NotFound,
                attempted,
                "there is no such image here",
            )
        })
    }

    /// Tells why the type does not go with the image, or is not to be had in the region.
    async fn unfit_type(&self, new: &NewServer, image: &Image) -> Option<Error> {
        let attempted = format!("use the type {} in {}", new.instance_type, new.region);
        let ec2 = self.clients.of(&new.region).ec2;
        let answer = ec2
            .describe_instance_types()
            .instance_types(InstanceType::from(new.instance_type.as_str()))
            .send()
            .await;
        let types = match &answer {
            Ok(answer) => answer.instance_types(),
            Err(error) => return Some(told(attempted, error)),
        };
        let architecture = image
            .architecture()
            .map(aws_sdk_ec2::types::ArchitectureValues::as_str)?;
        let fits = types
            .iter()
            .filter_map(|size| size.processor_info())
            .flat_map(aws_sdk_ec2::types::ProcessorInfo::supported_architectures)
            .map(ArchitectureType::as_str)
            .any(|supported| supported == architecture);
        (!fits).then(|| {
            Error::new(
                ErrorKind::Invalid,
                attempted,
                format!(
                    "it does not run the image {}, which is made for {architecture}",
                    new.image
                ),
            )
        })
    }

    /// Gives each of several servers its number.
    async fn number(&self, new: &NewServer, ids: &[String]) -> Result<()> {
        let ec2 = self.clients.of(&new.region).ec2;
        for (number, id) in (1..).zip(ids) {
            let name = format!("{}-{number}", new.name);
            let tag = Tag::builder().key("Name").value(&name).build();
            let answer = ec2.create_tags().resources(id).tags(tag).send().await;
            answer.map_err(|error| told(format!("name {id} `{name}`"), &error))?;
        }
        Ok(())
    }
}

/// Where a server is on its way.
enum Progress {
    Running,
    Done,
    Failed,
}

fn progress(
    action: Option<ServerAction>,
    state: Option<&InstanceStateName>,
    has_reason: bool,
) -> Progress {
    use InstanceStateName as State;
    match (action, state) {
        // A restart changes no state that could be seen.
        (Some(ServerAction::Restart | ServerAction::Start) | None, Some(State::Running))
        | (Some(ServerAction::Stop), Some(State::Stopped | State::Terminated))
        | (Some(ServerAction::Delete), Some(State::Terminated)) => Progress::Done,
        (
            None | Some(ServerAction::Start | ServerAction::Restart),
            Some(State::Terminated | State::ShuttingDown),
        ) => Progress::Failed,
        // It fell back, for want of a key or of room.
        (None | Some(ServerAction::Start), Some(State::Stopped)) if has_reason => Progress::Failed,
        _ => Progress::Running,
    }
}

fn failed(action: Option<ServerAction>, instance: &Instance) -> OperationState {
    let id = instance.instance_id().unwrap_or_default();
    let reason = instance.state_reason();
    let said = reason
        .and_then(|reason| reason.message())
        .unwrap_or("the server was deleted instead");
    let mut error = Error::new(
        ErrorKind::Conflict,
        format!("{} {id}", action.map_or("make", ServerAction::verb)),
        said,
    );
    error.code = reason.and_then(|reason| reason.code()).map(str::to_owned);
    OperationState::Failed { error }
}

/// Whether two questions met the same trouble. A right is missing for each of them by itself.
fn is_same(one: &Error, other: &Error) -> bool {
    one.code.is_some()
        && one.code == other.code
        && (one.kind != ErrorKind::Denied || one.said == other.said)
}

fn root_device(image: &Image) -> Option<String> {
    image.root_device_name().map(str::to_owned)
}

fn base64(text: &str) -> String {
    aws_smithy_types::base64::encode(text)
}
