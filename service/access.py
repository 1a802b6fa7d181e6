"""Who asks, and may they: keys in headers, scopes on routes, how often.

A key is checked in ``service.guard`` before the body of a request is taken; a route says by ``needs`` what it takes.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from fastapi import Request

from service.keys import DEMO, Caller, Keys
from service.problems import Problem

MOST_BUCKETS = 10_000


class Access:
    """Callers by the headers of their requests."""

    def __init__(self, keys: Keys, *, demo: bool, per_minute: int) -> None:
        self._keys, self._demo, self._per_minute = keys, demo, per_minute
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = Lock()

    @property
    def open_demo(self) -> bool:
        return self._demo and not self._keys.any()

    def identify(self, authorization: str, api_key: str) -> Caller:
        """The caller; Problem 401 without a valid key, 429 where one asks too often."""
        scheme, _, token = authorization.partition(" ")
        key = token.strip() if scheme.lower() == "bearer" else api_key.strip()
        caller = self._keys.find(key) if key else None
        if caller is None:
            if key or not self.open_demo:
                what = "this key is not valid" if key else "give a key as Authorization: Bearer KEY, or as X-API-Key"
                raise Problem(401, "unauthorized", what, {"WWW-Authenticate": "Bearer"})
            caller = DEMO
        self._count(caller.key)
        return caller

    def _count(self, key: str) -> None:
        """A bucket that fills evenly, and holds what may come in a quarter of a minute."""
        most, rate = max(1.0, self._per_minute / 4), self._per_minute / 60
        with self._lock:
            now = time.monotonic()
            left, then = self._buckets.pop(key, (most, now))
            left = min(most, left + (now - then) * rate)
            enough = left >= 1
            self._buckets[key] = (left - 1 if enough else left), now
            while len(self._buckets) > MOST_BUCKETS:
                self._buckets.popitem(last=False)
        if not enough:
            wait = str(max(1, round((1 - left) / rate + 0.5)))
            detail = f"this key may ask {self._per_minute} times a minute"
            raise Problem(429, "rate_limited", detail, {"Retry-After": wait})


class needs:  # noqa: N801  reads as the rule that it is
    """A dependency: the caller, who has one of these scopes. Problem 403 otherwise."""

    def __init__(self, *scopes: str) -> None:
        self.scopes = scopes

    def __call__(self, request: Request) -> Caller:
        caller: Caller | None = getattr(request.state, "caller", None)
        if caller is None:
            raise Problem(401, "unauthorized", "give a key as Authorization: Bearer KEY, or as X-API-Key")
        if self.scopes and not any(caller.may(scope) for scope in self.scopes):
            raise Problem(403, "forbidden", f"this takes a key with the scope {' or '.join(self.scopes)}")
        return caller


Rule = Callable[[Request], Caller]
