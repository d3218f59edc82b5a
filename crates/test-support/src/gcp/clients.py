"""Google's own clients for Python, pointed at the simulator; ends with its standard input.

The arguments are the simulator's address and a service account's key. Prints one line of JSON when it
is ready, then answers each line of JSON on the standard input with one.
"""

import json
import os
import sys

import google_auth_httplib2
import googleapiclient.discovery
from google.cloud import compute_v1
from google.cloud.compute_v1.services.instances.transports.rest import InstancesRestTransport
from google.cloud.compute_v1.services.zone_operations.transports.rest import ZoneOperationsRestTransport
from google.oauth2 import service_account

ADDRESS, KEY = sys.argv[1], json.loads(sys.argv[2])
SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]
CREDENTIALS = service_account.Credentials.from_service_account_info(KEY, scopes=SCOPES)


def compute(transport, client):
    host = ADDRESS.removeprefix("http://")
    return client(transport=transport(host=host, credentials=CREDENTIALS, url_scheme="http"))


def monitoring():
    folder = os.path.join(os.path.dirname(googleapiclient.discovery.__file__), "discovery_cache", "documents")
    with open(os.path.join(folder, "monitoring.v3.json"), encoding="utf-8") as file:
        document = json.load(file)
    document["rootUrl"] = document["baseUrl"] = ADDRESS + "/"
    http = google_auth_httplib2.AuthorizedHttp(CREDENTIALS)
    return googleapiclient.discovery.build_from_document(document, http=http)


INSTANCES = compute(InstancesRestTransport, compute_v1.InstancesClient)
OPERATIONS = compute(ZoneOperationsRestTransport, compute_v1.ZoneOperationsClient)
MONITORING = monitoring()


def list_servers(project, page):
    request = compute_v1.AggregatedListInstancesRequest(project=project, max_results=page)
    return [
        {"id": str(instance.id), "name": instance.name, "zone": zone, "status": instance.status}
        for zone, scoped in INSTANCES.aggregated_list(request=request)
        for instance in scoped.instances
    ]


def make(project, zone, instance):
    resource = compute_v1.Instance.from_json(json.dumps(instance))
    operation = INSTANCES.insert_unary(project=project, zone=zone, instance_resource=resource)
    return ended(project, zone, operation)


def change(verb, project, zone, instance):
    operation = getattr(INSTANCES, f"{verb}_unary")(project=project, zone=zone, instance=instance)
    return ended(project, zone, operation)


def ended(project, zone, operation):
    while operation.status != compute_v1.Operation.Status.DONE:
        operation = OPERATIONS.wait(project=project, zone=zone, operation=operation.name)
    return {"errors": [error.code for error in operation.error.errors]}


def measurements(project, page, **parameters):
    series = MONITORING.projects().timeSeries()
    request = series.list(name=f"projects/{project}", pageSize=page, **parameters)
    found = []
    while request is not None:
        answer = request.execute()
        found += answer.get("timeSeries", [])
        request = series.list_next(request, answer)
    return found


ACTIONS = {"list": list_servers, "make": make, "change": change, "measurements": measurements}

print(json.dumps("ready"), flush=True)
for line in sys.stdin:
    question = json.loads(line)
    try:
        answer = {"answer": ACTIONS[question.pop("do")](**question)}
    except Exception as error:  # pylint: disable=broad-except
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
