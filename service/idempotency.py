"""The same upload again is the same answer: what was answered under an ``Idempotency-Key``, kept across restarts.

Were the program killed between keeping a photo and keeping the answer, the photo itself is known by its bytes.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from service.problems import Problem
from service.tables import answers, transaction

KEPT = timedelta(days=7)
LONGEST = 200


class Answers:
    """Answers by person and key."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def find(self, owner: str, key: str, request: str) -> dict[str, Any] | None:
        """What was answered; None for a new key. Problem 409 where the key came with another request (its hash)."""
        if not 1 <= len(key) <= LONGEST or not key.isprintable():
            raise Problem(422, "validation", f"an Idempotency-Key has 1 to {LONGEST} printable characters")
        query = sa.select(answers).where(answers.c.owner == owner, answers.c.key == key)
        with transaction(self._engine, writes=False) as db:
            row = db.execute(query).mappings().first()
        if row is None or row["at"] < datetime.now(UTC) - KEPT:
            return None
        if row["request"] != request:
            raise Problem(409, "conflict", "this Idempotency-Key came with another upload before: use a new one")
        found: dict[str, Any] = json.loads(row["answer"])
        return found

    def keep(self, owner: str, key: str, request: str, answer: dict[str, Any], meter: str | None) -> dict[str, Any]:
        """Keep an answer; returns the one that counts, which is the first where the same request came twice at once."""
        now = datetime.now(UTC)
        row = {"owner": owner, "key": key, "request": request, "answer": json.dumps(answer), "meter": meter, "at": now}
        try:
            with transaction(self._engine) as db:
                db.execute(answers.delete().where(answers.c.at < now - KEPT))
                db.execute(answers.insert().values(row))
        except sa.exc.IntegrityError:
            return self.find(owner, key, request) or answer
        return answer
