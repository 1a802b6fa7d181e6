"""Tells other programs what was concluded: signed, tried again, from a table, by a thread of its own.

A receiver gets every conclusion at least once, roughly in order, and knows a repeated one by ``X-Meter-Delivery``. It
checks ``X-Meter-Signature`` (``sha256=`` and the hex HMAC-SHA256, under the secret, of ``X-Meter-Timestamp``, a point
and the body) and refuses old timestamps. Any 2xx is an acknowledgement; redirects are none.
"""

import hashlib
import hmac
import json
import logging
import ssl
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import SystemRandom

import sqlalchemy as sa

from recognizer.errors import RecognizerError, UsageError
from service.outbox import Delivery, Outbox
from service.outward import Target, UnsentError, post, target

LEAST_SECRET = 16
IN_A_ROUND = 50
CLEANED_EVERY = 600.0
log = logging.getLogger("service.webhook")


class Webhook:
    """POSTs conclusions to ``urls`` between ``start`` and ``stop``. UsageError for what cannot be configured so.

    ``private`` allows addresses that are not public. A delivery is dead after ``tries``, or after ``longest``; the
    n-th failure is followed by a wait of ``first_wait`` × 2^(n-1) seconds, at most an hour, half of it random.
    """

    def __init__(
        self,
        engine: sa.Engine,
        urls: Sequence[str],
        secret: str,
        *,
        private: bool = False,
        tries: int = 12,
        first_wait: float = 10.0,
        longest: timedelta = timedelta(days=3),
        poll: float = 1.0,
        seconds: float = 10.0,
        context: ssl.SSLContext | None = None,
    ) -> None:
        if len(secret) < LEAST_SECRET:
            raise UsageError(f"the webhook's secret has at least {LEAST_SECRET} characters; give a random one")
        if not urls or tries < 1 or min(first_wait, poll, seconds) <= 0:
            raise UsageError("a webhook needs a URL, a try, and times above zero")
        self._targets: dict[str, Target] = {hashlib.sha256(u.encode()).hexdigest()[:16]: target(u) for u in urls}
        self._outbox = Outbox(engine, lease=timedelta(seconds=60 + 2 * seconds))
        self._secret, self._private, self._context = secret.encode(), private, context
        self._tries, self._first_wait, self._longest = tries, first_wait, longest
        self._poll, self._seconds = poll, seconds
        self._delivered = self._failures = 0
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Make the tables and begin. Only what is decided from the first start on is told, across restarts."""
        self._outbox.create(datetime.now(UTC))
        self._ending.clear()
        self._thread = threading.Thread(target=self._run, name="webhook", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the delivery that is under way; what is left is told after the next start."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join(self._seconds + 5)
            self._thread = None

    def counts(self) -> dict[str, int]:
        """``waiting`` and ``dead`` deliveries in the table; ``delivered`` and failed tries since this start."""
        return self._outbox.counts() | {"delivered": self._delivered, "failures": self._failures}

    def _run(self) -> None:
        busy, cleaned = False, -CLEANED_EVERY
        while not self._ending.wait(0 if busy else self._poll):
            try:
                if time.monotonic() - cleaned >= CLEANED_EVERY:
                    cleaned = time.monotonic()
                    given_up = self._outbox.clean(datetime.now(UTC), self._longest)
                    if given_up:
                        log.error("webhook given up", extra={"deliveries": given_up})
                busy = self._round()
            except RecognizerError as error:
                busy = False
                log.warning("webhook", extra={"error": type(error).__name__})
            except Exception:  # a thread that ends in silence would tell nobody anything any more
                busy = False
                log.exception("webhook")

    def _round(self) -> bool:
        """Deliver what is due; of an endpoint that failed nothing more, so that it does not hold up the others."""
        self._outbox.move(self._targets, datetime.now(UTC))
        working = set(self._targets)
        for _ in range(IN_A_ROUND):
            if self._ending.is_set() or not working:
                return False
            delivery = self._outbox.take(working, datetime.now(UTC))
            if delivery is None:
                return False
            if not self._deliver(delivery):
                working.discard(delivery.endpoint)
        return bool(working)

    def _deliver(self, delivery: Delivery) -> bool:
        body = json.dumps(delivery.content, ensure_ascii=False).encode()
        headers = signed(self._secret, delivery.id, int(time.time()), body)
        to = self._targets[delivery.endpoint]
        try:
            status = post(to, body, headers, private=self._private, seconds=self._seconds, context=self._context)
            why = "" if 200 <= status < 300 else f"status {status}"
        except UnsentError as error:
            why = str(error)
        if not why:
            self._outbox.delivered(delivery)
            self._delivered += 1
            return True
        due_at = None
        if delivery.tries < self._tries:
            due_at = datetime.now(UTC) + timedelta(seconds=wait(delivery.tries, self._first_wait))
        self._failures += 1
        self._outbox.failed(delivery, why, due_at)
        level = logging.ERROR if due_at is None else logging.WARNING
        log.log(level, "webhook failed", extra={"host": to.host, "tries": delivery.tries, "why": why})
        return False


def signed(secret: bytes, delivery: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers of a delivery."""
    digest = hmac.new(secret, f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json",
        "User-Agent": "meter-recognizer",
        "X-Meter-Timestamp": str(timestamp),
        "X-Meter-Signature": f"sha256={digest}",
        "X-Meter-Delivery": delivery,
    }


def wait(tries: int, first: float, most: float = 3600.0) -> float:
    """Seconds until the next try: doubled with every failure, half of it random, so that many do not come at once."""
    whole = min(most, first * 2.0 ** min(tries - 1, 30))
    return whole * SystemRandom().uniform(0.5, 1.0)
