"""Tables and quantities for a reader at a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


def table(
    heads: Sequence[str], rows: Sequence[Sequence[str]], *, right: Collection[int] = ()
) -> str:
    """Return a table, each column as wide as its widest cell.

    Args:
        heads: one for each column.
        rows: of cells.
        right: the columns whose cells stand at the right.

    >>> print(table(("name", "size"), [("a", "12"), ("bcdef", "7")], right={1}))
    name   size
    a        12
    bcdef     7
    """
    widths = [max(len(row[column]) for row in (heads, *rows)) for column in range(len(heads))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (heads, *rows)
    )


def seconds_in_words(seconds: float) -> str:
    """Return a time in two units.

    >>> seconds_in_words(7.25), seconds_in_words(193), seconds_in_words(90061)
    ('7 s', '3 min 13 s', '1 d 1 h')
    """
    whole = int(seconds)
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    parts: list[str] = []
    for unit, size in units:
        number, whole = divmod(whole, size)
        if number or parts or unit == "s":
            parts.append(f"{number} {unit}")
        if len(parts) == 2:
            break
    return " ".join(part for part in parts if parts == [part] or not part.startswith("0 "))


def size_in_words(size: int) -> str:
    """Return a size in bytes with a unit.

    >>> size_in_words(512), size_in_words(52_428_800)
    ('512 B', '50.0 MiB')
    """
    number = float(size)
    for unit in ("B", "KiB", "MiB"):
        if number < 1024:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} GiB"
