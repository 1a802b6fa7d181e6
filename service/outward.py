"""One POST to an address that was checked. No redirects, no proxies, no second look-up, and an end in any case."""

import socket
import ssl
import threading
import time
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from recognizer.errors import UsageError

MOST_ADDRESSES = 4
_NAT64 = IPv6Network("64:ff9b::/96")
Address = IPv4Address | IPv6Address


class UnsentError(Exception):
    """Nothing was taken by the other side; the message names the kind of failure, never what was sent or where."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart; its path may hold a secret of the receiver's, so it is not part of the repr."""

    secure: bool
    host: str
    port: int
    path: str

    def __repr__(self) -> str:
        return f"Target({self.host}:{self.port})"

    @property
    def loopback(self) -> bool:
        """Whether the URL itself names this machine."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def target(url: str) -> Target:
    """UsageError for anything but https, or http to this machine, without a user, a password or a fragment."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode().lower()
        port = parts.port
    except ValueError:
        raise UsageError("a webhook's URL cannot be understood; it is like https://example.org/path") from None
    if not host or not url.isascii() or not url.isprintable() or " " in url or parts.scheme not in ("https", "http"):
        raise UsageError("a webhook's URL is like https://example.org/path, in ASCII")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise UsageError(f"the webhook's URL at {host} has a user, a password or a fragment: leave it out")
    secure = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    found = Target(secure, host, port or (443 if secure else 80), path)
    if not secure and not found.loopback:
        raise UsageError(f"the webhook at {host} must be https: plain http is for this machine only")
    return found


def permitted(address: Address, *, loopback: bool, private: bool) -> bool:
    """Whether an address may be connected to: a public one, ``private`` ones where allowed, and ``loopback`` only.

    Link-local addresses never: those of clouds' metadata are among them. An IPv4 address inside an IPv6 one counts.
    """
    if isinstance(address, IPv6Address):
        within = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if address in _NAT64:
            within = IPv4Address(int(address) & 0xFFFFFFFF)
        if within is not None:
            return permitted(within, loopback=loopback, private=private)
        if address.is_site_local:
            return private and not loopback
    if loopback:
        return address.is_loopback
    if address.is_link_local or address.is_multicast or address.is_unspecified or address.is_reserved:
        return False
    return address.is_global or (private and (not address.is_loopback))


def post(
    to: Target,
    body: bytes,
    headers: dict[str, str],
    *,
    private: bool = False,
    seconds: float = 10.0,
    context: ssl.SSLContext | None = None,
) -> int:
    """The status of the answer, of which no more is read. UnsentError where none comes within ``seconds``.

    The name is looked up once, and the connection goes to the very address that was checked, whatever the name says
    by then; the certificate is checked against the name.
    """
    until = time.monotonic() + seconds
    sock = _connect(to, private, until)
    try:
        if to.secure:
            context = context or ssl.create_default_context()
            sock = context.wrap_socket(sock, server_hostname=to.host, do_handshake_on_connect=False)
        # A time-out of a socket is one of silence: who sends a byte now and then would hold the connection for ever.
        timer = threading.Timer(max(0.0, until - time.monotonic()), _cut, (sock,))
        timer.daemon = True
        timer.start()
        try:
            if isinstance(sock, ssl.SSLSocket):
                sock.do_handshake()
            connection = HTTPConnection(to.host, to.port)
            connection.sock = sock
            name = f"[{to.host}]" if ":" in to.host else to.host
            usual = to.port == (443 if to.secure else 80)
            host = name if usual else f"{name}:{to.port}"
            connection.request("POST", to.path, body, {"Host": host, "Connection": "close"} | headers)
            status = connection.getresponse().status
            if time.monotonic() >= until:  # what was cut looks like headers that ended
                raise TimeoutError
            return status
        finally:
            timer.cancel()
    except ssl.SSLCertVerificationError:
        raise UnsentError("certificate") from None
    except (OSError, HTTPException, ValueError) as error:
        late = time.monotonic() >= until or isinstance(error, TimeoutError)
        raise UnsentError("timeout" if late else f"connection ({type(error).__name__})") from None
    finally:
        sock.close()


def _connect(to: Target, private: bool, until: float) -> socket.socket:
    try:
        found = socket.getaddrinfo(to.host, to.port, type=socket.SOCK_STREAM)
    except OSError:
        raise UnsentError("name not found") from None
    good = [
        (family, place)
        for family, _, _, _, place in found
        if permitted(ip_address(place[0]), loopback=to.loopback, private=private)
    ]
    if not good:
        raise UnsentError("address not allowed")
    for family, place in good[:MOST_ADDRESSES]:
        left = until - time.monotonic()
        if left <= 0:
            break
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(left)
            sock.connect(place)
        except OSError:
            sock.close()
        else:
            return sock
    raise UnsentError("no connection")


def _cut(sock: socket.socket) -> None:
    try:
        # Not the method of an SSLSocket, which takes its state away from the thread that reads.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
    except OSError:
        return
