"""Which meter is meant: a request gives a name, and perhaps whose it is; what goes on is the id that is kept."""

from service import fields, meter_ids
from service.keys import Caller
from service.problems import Problem, not_found
from service.records import Records


def meant(records: Records, caller: Caller, name: str, owner: str | None = None, *, scope: str = "review") -> str:
    """The id of a meter that is there: the caller's, or anybody's for who has the scope.

    Problem 404 where there is none for this caller, 409 where several people have one of that name and ``owner`` does
    not say whose is meant.
    """
    found = _found(records, caller, fields.name(name, "meter"), owner, scope)
    if found is None:
        raise not_found(f"meter {name!r}")
    return found


def meant_or_new(records: Records, caller: Caller, name: str, owner: str | None = None, *, scope: str) -> str:
    """As ``meant``; where there is none, the id that a new meter of the caller's gets."""
    name = fields.name(name, "meter")
    found = _found(records, caller, name, owner, scope)
    if found is None and owner not in (None, caller.owner):
        raise not_found(f"meter {name!r}")
    return found or meter_ids.kept(caller.owner, name)


def _found(records: Records, caller: Caller, name: str, owner: str | None, scope: str) -> str | None:
    all_people = caller.may(scope)
    if owner is not None:
        its = meter_ids.kept(owner, name)
        return its if (owner == caller.owner or all_people) and records.has_meter(its) else None
    own = meter_ids.kept(caller.owner, name)
    if records.has_meter(own):
        return own
    others = records.meters_named(name) if all_people else []
    if len(others) > 1:
        raise Problem(409, "conflict", f"several people have a meter {name!r}: say with owner whose is meant")
    return others[0] if others else None
