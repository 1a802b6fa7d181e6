"""Every error the recognizer raises on purpose.

    RecognizerError
    ├── InputError          the photo, folder or file given cannot be used
    ├── UsageError          the call itself is wrong (arguments, options)
    ├── ModelError          a model file is missing, damaged or does not fit
    └── StoreError          the database of stored readings does not work now

"Could not read this meter" is not an error: it is a Report with status ``refused`` and its reasons.
Each class carries the exit code of the command line and the status of the HTTP service, so that a thin
edge can map errors without a table of its own.
"""

from typing import ClassVar


class RecognizerError(Exception):
    """Base of all errors raised on purpose; the message says what was wrong and what to do."""

    exit_code: ClassVar[int] = 1
    http_status: ClassVar[int] = 500


class InputError(RecognizerError):
    """The photo, folder or file given cannot be used."""

    http_status: ClassVar[int] = 422


class UsageError(RecognizerError):
    """The call is wrong: contradictory or impossible arguments."""

    exit_code: ClassVar[int] = 2
    http_status: ClassVar[int] = 400


class ModelError(RecognizerError):
    """A model file is missing, is not the one its card describes, or does not fit this version."""

    exit_code: ClassVar[int] = 1
    http_status: ClassVar[int] = 503


class StoreError(RecognizerError):
    """The database of stored readings does not work now: locked, full, unreachable, or not writable."""

    http_status: ClassVar[int] = 503
