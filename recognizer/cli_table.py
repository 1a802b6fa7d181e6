"""Tables for people on standard output."""

from collections.abc import Sequence

STYLES = {"accepted": "green", "review": "yellow", "refused": "red", "missing": "red"}


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows of text under a header; a cell that is a status has its colour on a terminal."""
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not console.is_terminal:
        console = Console(width=1000)  # into a file or pipe nothing is folded
    table = Table(*header, box=SIMPLE, pad_edge=False)
    for row in rows:
        # Text objects, since a plain string in square brackets would be taken for markup.
        table.add_row(*(Text(cell, style=STYLES.get(cell, ""), overflow="fold") for cell in row))
    console.print(table)
