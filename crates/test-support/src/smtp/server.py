"""An SMTP server for tests: aiosmtpd on a free port, printing each mail as a line of JSON.

Arguments, as one JSON object: mode ("plain", "starttls" or "tls"), certificate and key (paths),
user and password (asked for if given).
"""

import asyncio
import email
import email.policy
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


def say(**what):
    print(json.dumps(what), flush=True)


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 5.1.1 no such user"
        if address.startswith("later@"):
            return "451 4.7.1 greylisted, try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        parts = {
            part.get_content_type(): part.get_content()
            for part in mail.walk()
            if not part.is_multipart()
        }
        say(
            sender=envelope.mail_from,
            recipients=envelope.rcpt_tos,
            headers={name.lower(): str(value) for name, value in mail.items()},
            content_type=mail.get_content_type(),
            text=parts.get("text/plain"),
            html=parts.get("text/html"),
            encrypted=session.ssl is not None or options["mode"] == "tls",
            authenticated=bool(session.authenticated),
            longest_line=max(len(line) for line in envelope.content.splitlines()),
        )
        return "250 2.0.0 Ok: queued as TEST"


def authenticate(server, session, envelope, mechanism, data):
    is_right = (
        isinstance(data, LoginPassword)
        and data.login.decode() == options["user"]
        and data.password.decode() == options["password"]
    )
    return AuthResult(success=is_right, handled=False)


options = json.loads(sys.argv[1])


async def main():
    context = None
    if options["mode"] != "plain":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(options["certificate"], options["key"])
    wants_user = options.get("user") is not None

    def protocol():
        return SMTP(
            Handler(),
            hostname="mail.test",
            enable_SMTPUTF8=True,
            tls_context=context if options["mode"] == "starttls" else None,
            require_starttls=options["mode"] == "starttls",
            authenticator=authenticate if wants_user else None,
            auth_required=wants_user,
            auth_require_tls=options["mode"] == "starttls",
        )

    implicit = context if options["mode"] == "tls" else None
    loop = asyncio.get_running_loop()
    server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=implicit)
    say(port=server.sockets[0].getsockname()[1])
    # The test closes our input when it ends, however it ends.
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main())
