"""Starts an emulator of AWS with a proxy before it that throws faults; ends with its standard input.

The argument is `moto` or `ministack`. Prints one line of JSON with the two addresses, then answers
each line of JSON on the standard input with one: calls by Amazon's own client past the proxy, the
faults that the proxy is to throw, and from when on moto checks signatures and rights.
"""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(address, process):
    for _ in range(600):
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            if process.poll() is not None:
                sys.exit(f"{address} ended with {process.returncode}")
            time.sleep(0.05)
    sys.exit(f"{address} does not answer")


def program(name):
    return os.path.join(os.path.dirname(sys.executable), name)


def quiet(command, **settings):
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **settings)


def start_ministack():
    port = free_port()
    settings = {**os.environ, "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port)}
    process = quiet([program("ministack")], env=settings)
    wait_for(f"http://127.0.0.1:{port}/_ministack/health", process)
    return f"http://127.0.0.1:{port}", process


def start_proxy(upstream):
    port = free_port()
    command = [program("microburst"), "--upstream", upstream, "--host", "127.0.0.1", "--port", str(port)]
    process = quiet(command, stderr=subprocess.DEVNULL)
    wait_for(f"http://127.0.0.1:{port}/_microburst/health", process)
    return f"http://127.0.0.1:{port}", process


def post(address, body):
    request = urllib.request.Request(address, data=body, method="POST", headers={"Content-Type": "text/plain"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read() or b"null")


def answer(question, emulator, proxy):
    import boto3

    match question.pop("do"):
        case "call":
            service = boto3.client(
                question["service"],
                endpoint_url=emulator,
                region_name=question["region"],
                aws_access_key_id="setup",
                aws_secret_access_key="setup",
            )
            return getattr(service, question["operation"])(**question["parameters"])
        case "faults":
            return post(f"{proxy}/_microburst/rules", json.dumps(question["rules"]).encode())
        case "faults_thrown":
            with urllib.request.urlopen(f"{proxy}/_microburst/stats", timeout=30) as stats:
                return json.loads(stats.read())["requests"]["faulted"]
        case "assumed_roles":
            return ASSUMED_ROLES
        case "check_rights":
            return post(f"{emulator}/moto-api/reset-auth", b"0")


def main():
    processes = []
    try:
        if sys.argv[1] == "moto":
            emulator = start_moto_today()
        else:
            emulator, process = start_ministack()
            processes.append(process)
        proxy, process = start_proxy(emulator)
        processes.append(process)
        print(json.dumps({"endpoint": emulator, "faulty_endpoint": proxy}), flush=True)
        for line in sys.stdin:
            try:
                told = {"answer": answer(json.loads(line), emulator, proxy)}
            except Exception as error:  # The test that asked shows it.
                told = {"error": f"{type(error).__name__}: {error}"}
            print(json.dumps(told, default=str), flush=True)
    finally:
        for process in processes:
            process.kill()
            process.wait()
    os._exit(0)


main()
