"""A PostgreSQL of its own for a benchmark or a test: made in a folder under /tmp, gone afterwards."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp

from recognizer.errors import UsageError

USERS = ("postgres", "nobody")
"""Who may run it where we are root, as which it refuses to."""
START_SECONDS = 60


def missing() -> str | None:
    """Why there can be no PostgreSQL here; None where there can."""
    if find_spec("psycopg") is None:
        return "psycopg is not installed: pip install 'meter-recognizer[postgres]'"
    return None if _binaries() else "PostgreSQL is not installed: apt-get install postgresql"


@contextmanager
def cluster() -> Iterator[str]:
    """The URL of an empty database, with the server's defaults. UsageError where it cannot be started."""
    if reason := missing():
        raise UsageError(reason)
    programs = _binaries()
    assert programs is not None
    folder = Path(mkdtemp(prefix="meter-postgres-"))
    user = _user()
    try:
        if user is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)
        data, said = folder / "data", folder / "log"
        made = [programs / "initdb", "-D", data, "-U", "meter", "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        _run(made, user, said).wait(START_SECONDS)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        options = ("-p", str(port), "-k", str(folder), "-c", "listen_addresses=127.0.0.1")
        server = _run([programs / "postgres", "-D", data, *options], user, said)
        try:
            url = f"postgresql://meter@127.0.0.1:{port}/postgres"
            _await(url, server, said)
            yield url
        finally:
            server.send_signal(signal.SIGINT)  # those who are still there have to leave
            server.wait(START_SECONDS)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _binaries() -> Path | None:
    if found := shutil.which("postgres"):
        return Path(found).resolve().parent
    versions = [p.parent for p in Path("/usr/lib/postgresql").glob("*/bin/postgres") if (p.parent / "initdb").exists()]
    return max(versions, key=lambda p: int(p.parent.name) if p.parent.name.isdigit() else 0, default=None)


def _user() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    for name in USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise UsageError(f"PostgreSQL does not run as root, and there is none of the users {', '.join(USERS)}")


def _run(command: list[object], user: pwd.struct_passwd | None, said: Path) -> subprocess.Popen[bytes]:
    with said.open("ab") as log:
        parts = [str(part) for part in command]
        if user is None:
            return subprocess.Popen(parts, cwd="/", stdout=log, stderr=log)
        return subprocess.Popen(
            parts, cwd="/", stdout=log, stderr=log, user=user.pw_uid, group=user.pw_gid, extra_groups=[]
        )


def _await(url: str, server: subprocess.Popen[bytes], said: Path) -> None:
    import psycopg

    until = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(url, connect_timeout=5).close()
            return
        except psycopg.OperationalError as error:
            if server.poll() is not None or time.monotonic() > until:
                last = said.read_text(errors="replace").strip().splitlines()[-3:]
                raise UsageError(f"PostgreSQL did not start: {' / '.join(last) or error}") from error
            time.sleep(0.1)
