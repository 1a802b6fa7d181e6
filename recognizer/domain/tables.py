"""Named tables of a TOML file: those that come with the package, and a user's own beside them."""

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

from recognizer.errors import UsageError

Built = TypeVar("Built")


def load_tables(
    builtin: str, path: Path | None, parse: Callable[[str, str], dict[str, Built]], what: str
) -> dict[str, Built]:
    """All of the file ``builtin`` of this package by name, and of ``path``, which may name one of them anew.

    ``parse`` takes a file's text and what to call the file. Raises UsageError when the user's file is unusable.
    """
    own = parse(files("recognizer.domain").joinpath(builtin).read_text(encoding="utf-8"), "built in")
    if path is None:
        return own
    try:
        return own | parse(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:  # not UTF-8, not TOML
        raise UsageError(f"{path}: not a file of {what} ({error})") from error
