"""Meters as they are kept: under ``owner/name``, so that two people may each have a meter of the same name.

A name has no slash, an owner may have one. Outside the service a meter has its name alone; who sees everybody's meters
is told whose each is. A meter that the command line put into the store is nobody's and is kept under its name.
"""


def kept(owner: str, name: str) -> str:
    """The id under which a person's meter is kept."""
    return f"{owner}/{name}"


def split(meter: str | None) -> tuple[str | None, str | None]:
    """Owner and name of a meter as it is kept; either may be missing."""
    owner, _, name = (meter or "").rpartition("/")
    return owner or None, name or None


def name_of(meter: str | None) -> str | None:
    """What a meter is called outside."""
    return split(meter)[1]
