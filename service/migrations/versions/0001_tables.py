"""Keys, answers, visits and their frames, as they were before they had a number."""

import sqlalchemy as sa
from alembic import op

from recognizer.store_schema import UtcTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "service_keys",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("hash", sa.Text, nullable=False, unique=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("revoked_at", UtcTime),
    )
    op.create_table(
        "service_idempotency",
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("meter", sa.Text, index=True),
        sa.Column("at", UtcTime, nullable=False, index=True),
    )
    op.create_table(
        "service_visits",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("meter", sa.Text),
        sa.Column("asked", sa.Text, nullable=False),
        sa.Column("opened_at", UtcTime, nullable=False),
        sa.Column("touched_at", UtcTime, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("counts", sa.Text, nullable=False),
        sa.Column("shown", sa.Text, nullable=False),
        sa.Column("answer", sa.Text),
    )
    op.create_index("service_visits_open", "service_visits", ["state", "touched_at"])
    op.create_table(
        "service_visit_frames",
        sa.Column("visit_id", sa.Text, sa.ForeignKey("service_visits.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("sha256", sa.Text, primary_key=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("observation", sa.LargeBinary, nullable=False),
    )
