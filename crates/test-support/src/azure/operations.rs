//! What takes its time: 202 or 201 with `Azure-AsyncOperation` and `Location`, followed by `GET`.
//!
//! Source: `Azure/azure-resource-manager-rpc`, `v1.0/async-api-reference.md`: the one address tells
//! by the word `status`, the other by 202 until it is done; `Retry-After` tells when to look again.

use serde_json::{Value, json};

use super::requests::{self, Reply, Request};
use super::world::{OperationFault, World};

/// What an operation does in the end.
#[derive(Clone, Debug)]
pub(super) enum Effect {
    /// A machine is there.
    MachineMade(String),
    /// A machine does something from then on.
    Power(String, &'static str),
    /// A machine is gone, with what goes along.
    MachineDeleted(String),
    /// A network interface is there.
    InterfaceMade(String),
    /// A network interface is gone.
    InterfaceDeleted(String),
}

/// An operation that was begun.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    effect: Effect,
    rounds: u32,
    not_before_ms: i64,
    fault: Option<OperationFault>,
    is_over: bool,
}

impl World {
    /// Begins an operation and tells how to follow it.
    pub(super) fn begin(
        &mut self,
        request: &Request,
        location: &str,
        effect: Effect,
        reply: Reply,
    ) -> Reply {
        let id = self.uuid();
        let (subscription, provider) = match &request.parts()[..] {
            [
                "subscriptions",
                subscription,
                "resourcegroups",
                _,
                "providers",
                provider,
                ..,
            ] => ((*subscription).to_owned(), (*provider).to_owned()),
            _ => (String::new(), String::new()),
        };
        let version = request.query("api-version").unwrap_or_default();
        let address = format!(
            "{}/subscriptions/{subscription}/providers/{provider}/locations/{location}/operations/{id}",
            request.base
        );
        let wait = self.operation_retry_after_secs;
        let pending = Pending {
            effect,
            rounds: self.operation_rounds,
            not_before_ms: self.now_ms() + wait as i64 * 1000,
            fault: self.operation_fault.clone(),
            is_over: false,
        };
        self.operations.insert(id, pending);
        let mut reply = reply
            .with(
                "location",
                format!("{address}?monitor=true&api-version={version}"),
            )
            .with("retry-after", wait);
        // What is put is followed by its state only, never by `Location` alone.
        if !self.is_operation_by_location || reply.status == 201 {
            let status = format!("{address}?api-version={version}");
            reply = reply.with("azure-asyncoperation", status);
        }
        reply
    }

    pub(super) fn forget_operations(&mut self) {
        for (_, pending) in std::mem::take(&mut self.operations) {
            if !pending.is_over && pending.fault.is_none() {
                self.carry_out(pending.effect);
            }
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::MachineMade(id) => {
                if let Some(machine) = self.machines.get_mut(&id) {
                    machine.document["properties"]["provisioningState"] = json!("Succeeded");
                    "running".clone_into(&mut machine.power);
                }
            }
            Effect::Power(id, power) => {
                if let Some(machine) = self.machines.get_mut(&id) {
                    machine.document["properties"]["provisioningState"] = json!("Succeeded");
                    power.clone_into(&mut machine.power);
                }
            }
            Effect::MachineDeleted(id) => self.remove_machine(&id),
            Effect::InterfaceMade(id) => {
                if let Some(interface) = self.interfaces.get_mut(&id) {
                    interface["properties"]["provisioningState"] = json!("Succeeded");
                }
            }
            Effect::InterfaceDeleted(id) => {
                self.interfaces.remove(&id);
            }
        }
    }
}

/// Tells how far an operation is.
pub(super) fn answer(world: &mut World, request: &Request) -> Result<Reply, Reply> {
    requests::method(request, "GET")?;
    let parts = request.parts();
    let provider = if parts[3] == "microsoft.network" {
        requests::version(request, super::network::VERSIONS)?;
        "Microsoft.Network"
    } else {
        requests::version(request, super::compute::VERSIONS)?;
        "Microsoft.Compute"
    };
    let action = format!("{provider}/locations/operations/read");
    requests::authorise(world, request, &action)?;
    let (id, now_ms) = (parts[7].to_owned(), world.now_ms());
    let retry_after_secs = world.operation_retry_after_secs;
    let Some(pending) = world.operations.get_mut(&id) else {
        return Err(Reply::not_found(&request.path));
    };
    if now_ms < pending.not_before_ms {
        world.polled_too_early += 1;
    }
    let is_monitor = request.query("monitor").is_some();
    if pending.rounds > 0 {
        pending.rounds -= 1;
        pending.not_before_ms = now_ms + retry_after_secs as i64 * 1000;
        let reply = if is_monitor {
            Reply::new(202, Value::Null).with(
                "location",
                format!("{}{}?monitor=true", request.base, request.path),
            )
        } else {
            Reply::ok(status(&id, "InProgress", None))
        };
        return Ok(reply.with("retry-after", retry_after_secs));
    }
    let is_first = !pending.is_over;
    pending.is_over = true;
    if let Some(fault) = pending.fault.clone() {
        return Ok(if is_monitor {
            Reply::error(409, &fault.code, &fault.message)
        } else {
            Reply::ok(status(&id, &fault.status, Some(&fault)))
        });
    }
    let effect = pending.effect.clone();
    if is_first {
        world.carry_out(effect);
    }
    Ok(if is_monitor {
        Reply::new(204, Value::Null)
    } else {
        Reply::ok(status(&id, "Succeeded", None))
    })
}

/// `OperationStatusResult` of `common-types/resource-management/v3/types.json`.
fn status(name: &str, status: &str, fault: Option<&OperationFault>) -> Value {
    let mut body = json!({
        "name": name,
        "status": status,
        "startTime": "2026-11-01T00:00:00.0000000+00:00",
    });
    if let Some(OperationFault { code, message, .. }) = fault {
        body["error"] = json!({ "code": code, "message": message });
    }
    body
}
