"""Would catch: --plate that is not handed on, or handed on where nobody asked for it."""

from pathlib import Path
from typing import Any

import pytest

from recognizer.cli import main
from recognizer.domain.reading import Report


class Asked:
    """A reader that notes how it was asked."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def read(self, photo: Path, *, source: str, **asked: Any) -> Report:
        self.calls.append(asked)
        return Report(source, "review")


@pytest.mark.parametrize(("options", "plate"), [((), None), (("--plate",), True), (("--taken-at", "2026-10-01"), None)])
def test_print_is_read_when_asked_for(options: tuple[str, ...], plate: bool | None) -> None:
    reader = Asked()
    assert main(["read", "a.jpg", "--json", *options], open_reader=lambda _: reader) == 0
    assert reader.calls[0].get("plate") is plate
