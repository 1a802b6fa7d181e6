"""Alembic's way in. The connection, in a transaction, comes from ``service.schema``, which is what upgrades."""

from alembic import context

from service.schema import VERSIONS

context.configure(connection=context.config.attributes["connection"], version_table=VERSIONS)
context.run_migrations()
