"""Looks at the simulated Azure by Microsoft's own clients, and holds every answer against their models.

An answer with a field that a model does not know, or without one that it needs, ends the program.
What was seen goes out as one line of JSON.
"""

import datetime
import json
import sys
import typing

from azure.core import MatchConditions
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.identity import ClientSecretCredential
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.monitor import MonitorManagementClient
from azure.mgmt.network import NetworkManagementClient
from azure.monitor.querymetrics import MetricsClient
from azure.monitor.querymetrics._utils.model_base import _deserialize
from azure.monitor.querymetrics.models._models import MetricResultsResponse

given = json.loads(sys.argv[1])
trust = {"connection_verify": given["certificate"]}
models_seen = set()


def is_optional(model, name):
    """Tells what the model's annotation says; older generators of clients keep it nowhere else."""
    for parent in model.__mro__:
        annotation = vars(parent).get("__annotations__", {}).get(name)
        if annotation is not None:
            return type(None) in typing.get_args(annotation)
    return True


def strict(value, place):
    """Refuses what a model does not know or lacks, all the way down."""
    if isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            strict(item, f"{place}[{number}]")
        return
    fields = getattr(type(value), "_attr_to_rest_field", None)
    if fields is None:
        return
    models_seen.add(type(value).__name__)
    known = {field._rest_name for field in fields.values()}
    unknown = set(value.keys()) - known
    if unknown:
        raise SystemExit(f"{place}: {type(value).__name__} has no {sorted(unknown)}")
    for name, field in fields.items():
        if value.get(field._rest_name) is None:
            if not is_optional(type(value), name):
                raise SystemExit(f"{place}: {type(value).__name__} needs {field._rest_name}")
            continue
        # Reading it has it deserialised as the model says; a number that is none fails here.
        strict(getattr(value, name), f"{place}.{name}")


class Strict:
    """Sees every whole answer of a client before its models do, so that nothing is left unseen."""

    def __init__(self):
        self.bodies = []

    def __call__(self, response):
        text = response.http_response.text()
        if text and response.http_response.status_code < 300:
            self.bodies.append(json.loads(text))


credential = ClientSecretCredential(
    given["tenant"],
    given["client_id"],
    given["client_secret"],
    authority=given["endpoint"],
    disable_instance_discovery=True,
    **trust,
)
manager = {
    "base_url": given["endpoint"],
    "credential_scopes": ["https://management.azure.com/.default"],
    **trust,
}
compute = ComputeManagementClient(credential, given["subscription"], **manager)
network = NetworkManagementClient(credential, given["subscription"], **manager)
# The versions that Yunhai asks by; left to themselves the clients ask by their newest.
machine_version = {"api_version": "2024-07-01"}
size_version = {"api_version": "2021-07-01"}
network_version = {"api_version": "2024-05-01"}
monitor = MonitorManagementClient(credential, given["subscription"], **manager)
location = given["location"]


def listed(pages, what):
    items = list(pages)
    for number, item in enumerate(items):
        strict(item, f"{what}[{number}]")
    return items


def moment(ms):
    return datetime.datetime.fromtimestamp(ms / 1000, datetime.timezone.utc)


machines = listed(compute.virtual_machines.list_all(**machine_version), "machines")
here = listed(compute.virtual_machines.list_by_location(location, **machine_version), "machines of the location")
states = {
    machine.id.lower(): [status.code for status in machine.instance_view.statuses]
    for machine in listed(compute.virtual_machines.list_all(status_only="true", **machine_version), "states")
}
interfaces = listed(network.network_interfaces.list_all(**network_version), "interfaces")
addresses = listed(network.public_ip_addresses.list_all(**network_version), "addresses")
public = {address.id.lower(): address.ip_address for address in addresses}
sizes = listed(compute.resource_skus.list(filter=f"location eq '{location}'", **size_version), "sizes")
usages = listed(compute.usage.list(location, **machine_version), "usages")
publisher, offer, sku, _ = given["image"].split(":")
versions = compute.virtual_machine_images.list(
    location, publisher, offer, sku, **machine_version
)
strict(versions, "versions")
image = compute.virtual_machine_images.get(
    location, publisher, offer, sku, versions[0].name, **machine_version
)
strict(image, "image")
parts = given["subnet"].split("/")
subnet = network.subnets.get(parts[4], parts[8], parts[10], **network_version)
strict(subnet, "subnet")

seen = {}
for machine in machines:
    key = machine.id.lower()
    of_machine = [i for i in interfaces if i.virtual_machine and i.virtual_machine.id.lower() == key]
    configurations = [c for i in of_machine for c in i.ip_configurations]
    seen[key] = {
        "name": machine.name,
        "location": machine.location,
        "size": machine.hardware_profile.vm_size,
        "made": machine.time_created.isoformat(),
        "state": [code for code in states[key] if code.startswith("PowerState/")][0],
        "private": [c.private_ip_address for c in configurations],
        "public": [
            public[c.public_ip_address.id.lower()] for c in configurations if c.public_ip_address
        ],
        "tags": dict(machine.tags),
    }

# A batch by Microsoft's client, and its answer as its own model has it.
bodies = Strict()
metrics_client = MetricsClient(given["metrics_endpoint"], credential, **trust)
names = ["Percentage CPU", "Network In Total"]
span = (moment(given["from_ms"]), moment(given["until_ms"]))
measured = {}
ids = [machine.id.lower() for machine in here]
results = metrics_client.query_resources(
    resource_ids=ids,
    metric_namespace="Microsoft.Compute/virtualMachines",
    metric_names=names,
    timespan=span,
    granularity=datetime.timedelta(minutes=5),
    aggregations=["Average", "Total"],
    raw_response_hook=bodies,
)
for body in bodies.bodies:
    strict(_deserialize(MetricResultsResponse, body), "metrics")


def points(metrics):
    return {
        metric: [
            [int(point.timestamp.timestamp() * 1000), point.average, point.total]
            for series in found
            for point in series
            if point.average is not None or point.total is not None
        ]
        for metric, found in metrics.items()
    }


for key, result in zip(ids, results):
    batch = points({m.name: [s.data for s in m.timeseries] for m in result.metrics})
    # The same by another client of theirs, one machine by itself.
    alone = monitor.metrics.list(
        key,
        timespan="/".join(time.strftime("%Y-%m-%dT%H:%M:%SZ") for time in span),
        interval="PT5M",
        metricnames=",".join(names),
        aggregation="Average,Total",
        api_version="2023-10-01",
    )
    single = {}
    for metric in alone.value:
        single[metric.name.value] = [
            [int(point.time_stamp.timestamp() * 1000), point.average, point.total]
            for series in metric.timeseries
            for point in series.data
            if point.average is not None or point.total is not None
        ]
    if single != batch:
        raise SystemExit(f"{single} of the machine by itself and {batch} of the batch")
    measured[key] = batch

# A machine lives: its operations are followed by Microsoft's own pollers.
group, name = "web", "by-clients"
quick = {"polling_interval": 0, **machine_version}
interface = network.network_interfaces.begin_create_or_update(
    group,
    f"{name}-nic",
    {
        "location": location,
        "properties": {
            "ipConfigurations": [
                {"name": "primary", "properties": {"subnet": {"id": given["subnet"]}}}
            ]
        },
    },
    polling_interval=0,
    **network_version,
).result()
strict(interface, "interface made")
machine = compute.virtual_machines.begin_create_or_update(
    group,
    name,
    {
        "location": location,
        "properties": {
            "hardwareProfile": {"vmSize": "Standard_B2s"},
            "storageProfile": {
                "imageReference": {
                    "publisher": publisher, "offer": offer, "sku": sku, "version": "latest",
                },
                "osDisk": {"createOption": "FromImage", "deleteOption": "Delete"},
            },
            "osProfile": {
                "computerName": name,
                "adminUsername": "azureuser",
                "linuxConfiguration": {
                    "disablePasswordAuthentication": True,
                    "ssh": {"publicKeys": [{"path": "/x", "keyData": "ssh-ed25519 AAAA"}]},
                },
            },
            "networkProfile": {
                "networkInterfaces": [
                    {"id": interface.id, "properties": {"deleteOption": "Delete"}}
                ]
            },
        },
    },
    match_condition=MatchConditions.IfMissing,
    **quick,
).result()
strict(machine, "machine made")
life = []


def look():
    view = compute.virtual_machines.get(group, name, expand="instanceView", **machine_version)
    strict(view, "machine")
    return [s.code for s in view.instance_view.statuses if s.code.startswith("PowerState/")][0]


life.append(look())
compute.virtual_machines.begin_deallocate(group, name, **quick).result()
life.append(look())
compute.virtual_machines.begin_start(group, name, **quick).result()
life.append(look())
compute.virtual_machines.begin_restart(group, name, **quick).result()
life.append(look())
compute.virtual_machines.begin_delete(group, name, **quick).result()
try:
    look()
except ResourceNotFoundError as error:
    life.append(error.error.code)

# What is refused is an error of the kind that their clients have for it.
refused = {}


def refusal(what, question):
    try:
        question()
        refused[what] = "nothing"
    except ClientAuthenticationError as error:
        refused[what] = "authentication"
    except HttpResponseError as error:
        code = error.error.code if error.error else None
        refused[what] = f"{error.status_code} {code}"


refusal(
    "a wrong secret",
    lambda: ClientSecretCredential(
        given["tenant"],
        given["client_id"],
        "wrong",
        authority=given["endpoint"],
        disable_instance_discovery=True,
        **trust,
    ).get_token("https://management.azure.com/.default"),
)
refusal(
    "a token for another audience",
    lambda: MetricsClient(
        given["metrics_endpoint"], credential, audience="https://management.azure.com", **trust
    ).query_resources(
        resource_ids=ids, metric_namespace="Microsoft.Compute/virtualMachines", metric_names=names
    ),
)
refusal(
    "an unknown version",
    lambda: compute.usage.list(location, api_version="2019-03-01").next(),
)
refusal(
    "capital letters in ids",
    lambda: metrics_client.query_resources(
        resource_ids=[here[0].id],
        metric_namespace="Microsoft.Compute/virtualMachines",
        metric_names=names,
    ),
)
refusal(
    "more than fifty",
    lambda: metrics_client.query_resources(
        resource_ids=ids * 60,
        metric_namespace="Microsoft.Compute/virtualMachines",
        metric_names=names,
    ),
)

print(
    json.dumps(
        {
            "machines": seen,
            "of_location": sorted(machine.name for machine in here),
            "metrics": measured,
            "life": life,
            "refused": refused,
            "sizes": sorted(size.name for size in sizes),
            "quota": {usage.name.value: usage.limit for usage in usages}["cores"],
            "architecture": image.architecture,
            "models": sorted(models_seen),
        }
    ),
    flush=True,
)
sys.stdin.read()
