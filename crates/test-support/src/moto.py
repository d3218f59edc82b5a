"""moto on a free port, and Amazon's own client to fill it; what follows in the script uses them."""


def start_moto(application=None):
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    if application:
        import moto.moto_server.threaded_moto_server as module

        original = module.DomainDispatcherApplication
        module.DomainDispatcherApplication = lambda create: application(original(create))
    server.start()
    host, port = server.get_host_and_port()
    return f"http://{host}:{port}"


def client(service, endpoint):
    import boto3

    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="setup",
        aws_secret_access_key="setup",
    )
