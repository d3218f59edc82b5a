"""Starts an emulator of buckets, makes the bucket `blocks` in it and ends with its standard input.

The first argument is the kind: `s3`, `azure` or `google`; for `azure` the second is Azurite's
script. Prints one line of JSON: the URL of the bucket, the settings that open it, and the one among
them that is secret with a value that is wrong.
"""

import base64
import datetime
import hashlib
import hmac
import json
import os
import subprocess
import sys
import urllib.request

BUCKET = "blocks"


def s3():
    # After the calls below, signatures and permissions are checked as Amazon checks them.
    os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "4"
    endpoint = start_moto()
    iam = client("iam", endpoint)
    client("s3", endpoint).create_bucket(Bucket=BUCKET)
    iam.create_user(UserName="yunhai")
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    iam.put_user_policy(UserName="yunhai", PolicyName="blocks", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName="yunhai")["AccessKey"]
    return "s3", {
        "aws_endpoint": endpoint,
        "aws_allow_http": "true",
        "aws_region": "us-east-1",
        "aws_access_key_id": key["AccessKeyId"],
        "aws_secret_access_key": key["SecretAccessKey"],
    }, {"aws_secret_access_key": "hunter2"}


SERVICE_ACCOUNT = "yunhai@blocks.iam.gserviceaccount.com"


def google():
    """Google's XML interface, which the store's client speaks, is S3's but for names of headers.

    With the key of a service account the client signs a token for itself, which is checked here.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    key, wrong_key = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    is_checked = []

    def decoded(part):
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))

    def may(authorization):
        kind, _, token = authorization.partition(" ")
        if kind != "Bearer" or token.count(".") != 2:
            return False
        message, _, signature = token.rpartition(".")
        try:
            key.public_key().verify(decoded(signature), message.encode(), padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return False
        claims = json.loads(decoded(message.split(".")[1]))
        now = datetime.datetime.now(datetime.timezone.utc).timestamp()
        scopes = ("https://www.googleapis.com/auth/cloud-platform", "https://www.googleapis.com/auth/devstorage.read_write")
        return claims["iss"] == SERVICE_ACCOUNT and claims["exp"] > now and claims["scope"] in scopes

    def translate(application):
        def answer(environ, start_response):
            if is_checked and not may(environ.get("HTTP_AUTHORIZATION", "")):
                start_response("401 Unauthorized", [("Content-Type", "application/xml")])
                return [b"<Error><Code>AuthenticationRequired</Code><Message>Invalid credentials.</Message></Error>"]
            # Google's bearer tokens are no signatures that moto could read.
            credential = "Credential=any/20260101/us-east-1/s3/aws4_request"
            environ["HTTP_AUTHORIZATION"] = f"AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=0"
            source = environ.pop("HTTP_X_GOOG_COPY_SOURCE", None)
            if source:
                environ["HTTP_X_AMZ_COPY_SOURCE"] = source
            return application(environ, start_response)

        return answer

    endpoint = start_moto(translate)
    client("s3", endpoint).create_bucket(Bucket=BUCKET)
    is_checked.append(True)

    def account(private_key):
        pem = private_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        account = {"client_email": SERVICE_ACCOUNT, "private_key_id": "1", "private_key": pem.decode()}
        return {"google_service_account_key": json.dumps({**account, "gcs_base_url": endpoint})}

    return "gs", {**account(key), "allow_http": "true"}, account(wrong_key)


def azure(script):
    # The account that every Azurite knows; the key is published with it.
    account = "devstoreaccount1"
    key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
    azurite = subprocess.Popen(
        ["node", script, "--blobHost", "127.0.0.1", "--blobPort", "0", "--inMemoryPersistence"]
        + ["--skipApiVersionCheck", "--disableTelemetry", "--silent"],
        stdout=subprocess.PIPE,
        text=True,
    )
    for line in azurite.stdout:
        if "successfully listens on" in line:
            endpoint = line.split()[-1]
            break
    else:
        sys.exit("Azurite ended before it listened")
    date = datetime.datetime.now(datetime.timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT")
    headers = f"x-ms-date:{date}\nx-ms-version:2023-11-03\n"
    resource = f"/{account}/{account}/{BUCKET}\nrestype:container"
    text = "PUT" + "\n" * 12 + headers + resource
    signature = hmac.new(base64.b64decode(key), text.encode(), hashlib.sha256).digest()
    request = urllib.request.Request(f"{endpoint}/{account}/{BUCKET}?restype=container", method="PUT")
    request.add_header("x-ms-date", date)
    request.add_header("x-ms-version", "2023-11-03")
    request.add_header("Authorization", f"SharedKey {account}:{base64.b64encode(signature).decode()}")
    urllib.request.urlopen(request).close()
    settings = {
        "azure_storage_account_name": account,
        "azure_storage_account_key": key,
        "azure_endpoint": f"{endpoint}/{account}",
        "azure_allow_http": "true",
    }
    return "az", settings, {"azure_storage_account_key": "aHVudGVyMg=="}, azurite


def main():
    kind = sys.argv[1]
    started = {"s3": s3, "google": google, "azure": lambda: azure(sys.argv[2])}[kind]()
    try:
        url, settings, wrong_secret = f"{started[0]}://{BUCKET}/series/eu", *started[1:3]
        print(json.dumps({"url": url, "settings": settings, "wrong_secret": wrong_secret}), flush=True)
        sys.stdin.read()
    finally:
        for process in started[3:]:
            process.kill()
            process.wait()
    os._exit(0)


main()
