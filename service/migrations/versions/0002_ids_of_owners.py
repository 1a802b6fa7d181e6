"""A meter's id belonged to whoever named it first; now it is one of its owner's.

Databases of the time in which the service counted its schema itself have that already, and lose the number.
"""

import sqlalchemy as sa
from alembic import op

from recognizer.store_schema import meters, store
from service.schema import move_meter

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    db = op.get_bind()
    owned = sa.select(meters.c.id, meters.c.owner).where(meters.c.owner.is_not(None))
    for meter, owner in db.execute(owned).all():
        move_meter(db, meter, owner)
    db.execute(store.delete().where(store.c.name == "meter-service"))
