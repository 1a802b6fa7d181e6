"""The service's own tables, beside those of ``recognizer.store_schema`` in the same database."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy import Column, Table

from recognizer.store_schema import UtcTime, told

metadata = sa.MetaData()
keys = Table(
    "service_keys",
    metadata,
    Column("id", sa.Text, primary_key=True),
    Column("hash", sa.Text, nullable=False, unique=True),
    Column("owner", sa.Text, nullable=False),
    Column("scopes", sa.Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("revoked_at", UtcTime),
)
answers = Table(
    "service_idempotency",
    metadata,
    Column("owner", sa.Text, primary_key=True),
    Column("key", sa.Text, primary_key=True),
    Column("request", sa.Text, nullable=False),
    Column("answer", sa.Text, nullable=False),
    Column("meter", sa.Text, index=True),
    Column("at", UtcTime, nullable=False, index=True),
)


@contextmanager
def transaction(engine: sa.Engine, *, writes: bool = True) -> Iterator[sa.Connection]:
    """Raises StoreError when the database does not work now; IntegrityError passes through."""
    with told("the service's database"), engine.execution_options(writes=writes).begin() as db:
        yield db
