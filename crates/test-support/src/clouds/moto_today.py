"""What moto leaves out of today's AWS: CloudWatch's newest protocol, and parts of RunInstances."""


def start_moto_today():
    complete_run_instances()
    call_cloudwatch_by_its_name()
    note_assumed_roles()
    return start_moto(speak_cbor)


def complete_run_instances():
    """Honours client tokens and the protection against deletion, as EC2 does."""
    from moto.core.responses import ActionResult
    from moto.ec2.responses.instances import InstanceResponse

    original = InstanceResponse.run_instances
    orders = {}

    def run_instances(self):
        token = (self.current_account, self.region, self._get_param("ClientToken"))
        if token[-1] and token in orders:
            return ActionResult(orders[token])
        answer = original(self)
        reservation = answer.result
        orders[token] = reservation
        for instance in reservation.instances:
            instance.disable_api_termination = bool(self._get_param("DisableApiTermination"))
        return answer

    InstanceResponse.run_instances = run_instances


def call_cloudwatch_by_its_name():
    """Policies say `cloudwatch:ListMetrics`; moto takes the service's name from the signature."""
    from moto.iam.access_control import IAMRequestBase

    original = IAMRequestBase.__init__

    def begin(self, *arguments, **named):
        original(self, *arguments, **named)
        self._action = self._action.replace("monitoring:", "cloudwatch:")

    IAMRequestBase.__init__ = begin


ASSUMED_ROLES = []


def note_assumed_roles():
    """Keeps what roles were assumed with: moto lets everybody in, whatever the external id."""
    from moto.sts.responses import TokenResponse

    original = TokenResponse.assume_role

    def assume_role(self):
        ASSUMED_ROLES.append({name: self._get_param(name) for name in ("RoleArn", "ExternalId")})
        return original(self)

    TokenResponse.assume_role = assume_role


def speak_cbor(application):
    """Translates between Smithy's RPC v2 CBOR and the query protocol, by botocore's own coders."""
    import io
    import urllib.parse

    import botocore.parsers
    import botocore.serialize
    import botocore.session
    import cbor2

    prefix = "/service/GraniteServiceVersion20100801/operation/"
    model = botocore.session.get_session().get_service_model("cloudwatch")
    serializer = botocore.serialize.create_serializer("query")
    parser = botocore.parsers.create_parser("query")

    def answer(environ, start_response):
        path = environ["PATH_INFO"]
        if not path.startswith(prefix):
            return application(environ, start_response)
        operation = model.operation_model(path.removeprefix(prefix))
        question = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        form = serializer.serialize_to_request(cbor2.loads(question), operation)["body"]
        form = urllib.parse.urlencode(form).encode()
        environ.update(
            {
                "PATH_INFO": "/",
                "RAW_URI": "/",
                "REQUEST_URI": "/",
                "CONTENT_TYPE": "application/x-www-form-urlencoded; charset=utf-8",
                "CONTENT_LENGTH": str(len(form)),
                "wsgi.input": io.BytesIO(form),
            }
        )
        sign_again(environ, form)
        started = []
        text = b"".join(application(environ, lambda *arguments: started.append(arguments)))
        status = int(started[0][0].split()[0])
        told = {"status_code": status, "headers": dict(started[0][1]), "body": text}
        told = parser.parse(told, operation.output_shape)
        told.pop("ResponseMetadata", None)
        headers = [("Content-Type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor")]
        if status >= 300:
            code = told["Error"]["Code"]
            headers.append(("x-amzn-query-error", f"{code};Sender"))
            told = {"__type": code, "message": told["Error"].get("Message", "")}
        body = cbor2.dumps(told, datetime_as_timestamp=True)
        start_response(started[0][0], [*headers, ("Content-Length", str(len(body)))])
        return [body]

    return answer


def sign_again(environ, body):
    """Signs what was translated with the same key, where moto knows it and checks signatures."""
    import re

    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
    from moto.iam.models import iam_backends

    found = re.search(r"Credential=([^/]+)/\d+/([^/]+)/", environ.get("HTTP_AUTHORIZATION", ""))
    if not found:
        return
    keys = [
        key
        for backend in iam_backends.values()
        for user in backend["aws"].users.values()
        for key in user.access_keys
        if key.access_key_id == found[1]
    ]
    if not keys:
        return
    request = AWSRequest("POST", f"http://{environ['HTTP_HOST']}/", headers={}, data=body)
    request.headers["Host"] = environ["HTTP_HOST"]
    credentials = Credentials(keys[0].access_key_id, keys[0].secret_access_key)
    SigV4Auth(credentials, "monitoring", found[2]).add_auth(request)
    environ["HTTP_AUTHORIZATION"] = request.headers["Authorization"]
    environ["HTTP_X_AMZ_DATE"] = request.headers["X-Amz-Date"]
