"""API keys: who may do what. Of a key only its SHA-256 is kept.

A key is 256 random bits, so nobody finds it by trying, however fast the hash is; a slow hash is for passwords, which
people choose, and would cost every request.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

import sqlalchemy as sa

from recognizer.errors import UsageError
from service.tables import keys, transaction

SCOPES = ("submit", "read", "review", "admin")
PREFIX = "mr_"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. ``owner`` is the person; a person may have several keys."""

    key: str
    owner: str
    scopes: frozenset[str]
    demo: bool = False

    def may(self, scope: str) -> bool:
        return scope in self.scopes or "admin" in self.scopes

    @property
    def sees(self) -> str | None:
        """Whose meters: None for everybody's."""
        return None if self.may("review") else self.owner


DEMO = Caller("demo", "demo", frozenset(SCOPES), demo=True)


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key as it is listed; the key itself is not kept."""

    id: str
    owner: str
    scopes: tuple[str, ...]
    created_at: datetime
    revoked_at: datetime | None


class Keys:
    """The keys in a database."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def create(self, owner: str, scopes: Sequence[str]) -> tuple[str, str]:
        """A new key: its id, and the key itself, which is not kept and cannot be shown again."""
        if not owner.strip() or not owner.isprintable() or len(owner) > 100:
            raise UsageError(f"a key belongs to a person with a printable name of up to 100 characters, got {owner!r}")
        if not scopes or set(scopes) - set(SCOPES):
            raise UsageError(f"scopes are of {', '.join(SCOPES)}, got {', '.join(scopes) or 'none'}")
        key, key_id = PREFIX + secrets.token_urlsafe(32), secrets.token_hex(6)
        row = {"id": key_id, "hash": _hash(key), "owner": owner, "scopes": " ".join(dict.fromkeys(scopes))}
        with transaction(self._engine) as db:
            db.execute(keys.insert().values(row | {"created_at": datetime.now(UTC)}))
        return key_id, key

    def all(self) -> list[KeyRow]:
        with transaction(self._engine, writes=False) as db:
            rows = db.execute(sa.select(keys).order_by(keys.c.created_at)).mappings().all()
        return [KeyRow(r["id"], r["owner"], tuple(r["scopes"].split()), r["created_at"], r["revoked_at"]) for r in rows]

    def revoke(self, key_id: str) -> None:
        gone = keys.update().where(keys.c.id == key_id, keys.c.revoked_at.is_(None))
        with transaction(self._engine) as db:
            if not db.execute(gone.values(revoked_at=datetime.now(UTC))).rowcount:
                raise UsageError(f"there is no key {key_id} that could be revoked; `keys list` shows them")

    def any(self) -> bool:
        """Whether there ever was a key: a revoked one does not open the demo mode again."""
        with transaction(self._engine, writes=False) as db:
            return db.execute(sa.select(keys.c.id).limit(1)).first() is not None

    def find(self, key: str) -> Caller | None:
        query = sa.select(keys).where(keys.c.hash == _hash(key), keys.c.revoked_at.is_(None))
        with transaction(self._engine, writes=False) as db:
            row = db.execute(query).mappings().first()
        return None if row is None else Caller(row["id"], row["owner"], frozenset(row["scopes"].split()))


def _hash(key: str) -> str:
    return sha256(key.encode("utf-8", "replace")).hexdigest()
