"""``python -m service``: the service, its keys, and what is to be deleted. ``--help`` of each says more."""

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from recognizer.errors import RecognizerError, UsageError
from service.settings import Settings


def main(arguments: Sequence[str] | None = None) -> int:
    """0 done; otherwise the exit code of the error, which is told on stderr."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except RecognizerError as error:
        print(f"service: {error}", file=sys.stderr)
        return error.exit_code
    return code


def _serve(options: argparse.Namespace) -> int:
    import uvicorn

    from service.app import create_app
    from service.logs import to_stderr

    settings = _settings(options)
    to_stderr()
    app = create_app(settings)
    parts = app.state.parts
    if parts.access.open_demo:
        print("service: open demo mode: whoever is on this machine may do everything", file=sys.stderr)
    elif not parts.keys.any():
        hint = "python -m service keys create --name NAME --scope submit --scope read"
        print(f"service: there is no key yet, so nobody may do anything: {hint}", file=sys.stderr)
    print(f"service: http://{settings.host}:{settings.port}", file=sys.stderr)
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        server_header=False,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=20,
        limit_concurrency=512,
        h11_max_incomplete_event_size=64 * 1024,
    )
    return 0


def _keys(options: argparse.Namespace) -> int:
    from recognizer.domain.meter import Meter
    from recognizer.store import Store
    from recognizer.store_schema import open_database
    from service import fields, schema
    from service.keys import Keys
    from service.meter_ids import kept
    from service.problems import Problem
    from service.records import Records

    settings = _settings(options)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    engine = open_database(settings.store, create=True)
    try:
        schema.prepare(engine)
        keys, records = Keys(engine), Records(engine)
        if options.what == "list":
            for row in keys.all():
                state = f"revoked {row.revoked_at:%Y-%m-%d}" if row.revoked_at else "valid"
                print(f"{row.id}  {row.owner}  {','.join(row.scopes)}  {row.created_at:%Y-%m-%d}  {state}")
        elif options.what == "revoke":
            keys.revoke(options.id)
        else:
            try:
                wanted = [fields.name(text, "--meter") for text in options.meter]
            except Problem as error:
                raise UsageError(str(error.detail)) from error
            key_id, key = keys.create(options.name, options.scope)
            for name in wanted:
                own = kept(options.name, name)
                if records.has_meter(own):
                    continue
                if records.has_meter(name):  # nobody's: `meter read --store` put it there
                    records.give(name, options.name)
                    continue
                with Store(settings.store) as store:
                    store.put_meter(Meter(own), owner=options.name)
            print(f"id   {key_id}\nkey  {key}\nThe key is not kept: note it now.")
    finally:
        engine.dispose()
    return 0


def _prune(options: argparse.Namespace) -> int:
    from recognizer.store_schema import open_database
    from service import schema
    from service.photos import open_photos
    from service.records import Records
    from service.retention import prune

    settings = _settings(options)
    engine = open_database(settings.store, create=False)
    try:
        schema.prepare(engine)
        photos, records = open_photos(settings.photos, settings.data_dir), Records(engine)
        gone = prune(records, photos, datetime.now(UTC) - timedelta(days=options.older_than))
    finally:
        engine.dispose()
    print(f"{gone.photos} photos deleted, {gone.files} left-over files; all readings are kept")
    return 0


def _import(options: argparse.Namespace) -> int:
    from service.app import create_app
    from service.queue_import import import_queue

    parts = create_app(_settings(options)).state.parts
    try:
        done = import_queue(parts.intake, options.queue, options.owner, lambda text: print(text, file=sys.stderr))
    finally:
        parts.close()
    print(
        f"{done.kept} photos with a reading for review, {done.there} there before, {done.blank} without a reading, "
        f"{done.failed} failed"
    )
    return int(done.failed > 0)


def _settings(options: argparse.Namespace) -> Settings:
    given = {"host", "port", "demo", "models_dir", "workers", "per_minute"} & set(vars(options))
    return Settings(
        data_dir=options.data_dir,
        database=os.environ.get("DATABASE_URL") or None,
        photos=options.photos or os.environ.get("PHOTOS_URL") or None,
        webhook_urls=tuple(os.environ.get("WEBHOOK_URLS", "").split()),
        webhook_secret=os.environ.get("WEBHOOK_SECRET", ""),
        webhook_private=os.environ.get("WEBHOOK_PRIVATE", "") == "1",
        keep_photos_days=_keep_days(os.environ.get("KEEP_PHOTOS_DAYS", "")),
        mqtt_url=os.environ.get("MQTT_URL") or None,
        **{name: getattr(options, name) for name in given},
    )


def _keep_days(text: str) -> int | None:
    """What KEEP_PHOTOS_DAYS says; nothing keeps photos for ever."""
    if not text.strip():
        return None
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"KEEP_PHOTOS_DAYS is a number of days, not {text!r}") from None


def _parser() -> argparse.ArgumentParser:
    place = argparse.ArgumentParser(add_help=False)
    place.add_argument("--data-dir", type=Path, default=Path("data"), help="folder of the database and the photos")
    place.add_argument("--photos", help="another place for photos: a folder, or a URL of fsspec (or PHOTOS_URL)")
    parser = argparse.ArgumentParser(
        prog="python -m service",
        description="Read meter photos over HTTP. DATABASE_URL names a PostgreSQL database; otherwise SQLite is used.",
        parents=[place],
    )
    parser.set_defaults(run=_serve)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--demo", action="store_true", help="no keys needed, while there is none; loopback only")
    parser.add_argument("--models-dir", type=Path)
    parser.add_argument("--workers", type=int, default=2, help="photos that are read at the same time")
    parser.add_argument("--per-minute", type=int, default=600, help="requests of one key")
    commands = parser.add_subparsers(metavar="keys | prune | import")

    keys = commands.add_parser("keys", help="create, list and revoke API keys")
    what = keys.add_subparsers(dest="what", required=True, metavar="create | list | revoke")
    command = what.add_parser("create", parents=[place])
    command.set_defaults(run=_keys)
    command.add_argument("--name", required=True, help="whose key it is; a person sees only their meters")
    command.add_argument("--scope", action="append", required=True, choices=("submit", "read", "review", "admin"))
    command.add_argument("--meter", action="append", default=[], help="a meter that is theirs")
    command = what.add_parser("list", parents=[place])
    command.set_defaults(run=_keys)
    command = what.add_parser("revoke", parents=[place])
    command.set_defaults(run=_keys)
    command.add_argument("id")

    command = commands.add_parser("prune", parents=[place], help="delete old photos; readings are kept")
    command.set_defaults(run=_prune)
    command.add_argument("--older-than", type=_days, required=True, metavar="DAYS")

    command = commands.add_parser("import", parents=[place], help="take in the review queue of an archive")
    command.set_defaults(run=_import)
    command.add_argument("queue", type=Path, metavar="CSV", help="what `meter report --review` wrote")
    command.add_argument("--owner", required=True, metavar="NAME", help="whose the photos and meters are")
    command.add_argument("--models-dir", type=Path)
    return parser


def _days(text: str) -> int:
    days = int(text)
    if not 0 <= days <= 36500:
        raise argparse.ArgumentTypeError(f"{text} is not a number of days")
    return days


if __name__ == "__main__":
    sys.exit(main())
