"""Would catch: something kept in memory of every upload, and connections that are opened and closed all the time, whose
caches tear holes into the heap.
"""

import gc
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import sqlalchemy as sa

from recognizer.store_schema import open_database
from service.intake import Asked

Photo = Callable[..., bytes]
CLIENTS = 24


def test_nothing_is_kept_in_memory_of_an_upload(serve: Any, photo: Photo) -> None:
    intake = serve().app.state.parts.intake

    def blocks_after(numbers: range) -> int:
        """Blocks of Python's memory, of any size, once so many uploads to a meter of their own have been answered."""
        for number in numbers:
            answer = intake.take([("a.png", photo(number))], Asked("anna", f"anna/m{number}"))
            assert len(answer["reading_ids"]) == 1
        gc.collect()
        return sys.getallocatedblocks()

    begin = blocks_after(range(30))  # whatever is made once is made by then
    grown = blocks_after(range(30, 130)) - begin
    # An answer that stays is some 150 blocks; what SQLAlchemy and the metrics move about is fewer than 5 an upload.
    assert grown < 100 * 20, f"{grown} blocks more after 100 uploads"


def test_connections_stay_open_however_many_ask_at_once(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "a.db", create=True)
    opened: list[Any] = []
    sa.event.listen(engine, "connect", lambda connection, _: opened.append(connection))
    together = Barrier(CLIENTS)

    def ask(_: int) -> None:
        for _ in range(10):
            together.wait(30)  # all at once: more than the pool keeps
            with engine.begin() as db:
                assert db.execute(sa.text("PRAGMA cache_size")).scalar() == -256

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(ask, range(CLIENTS)))
    assert len(opened) <= 16, f"{len(opened)} connections were opened"
    engine.dispose()
