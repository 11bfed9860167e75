"""Which files an import reads, and what lies among them that it does not."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from aoc_common.errors import BadConfiguration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(slots=True)
class Found:
    """What was found.

    `files`: those to read, in order. `named`: those of them that were named themselves, and lie in no directory that
    was. `unread`: what is not read, and why. `hidden`: files of directories whose names begin with a dot.
    """

    files: list[Path] = field(default_factory=list)
    named: set[Path] = field(default_factory=set)
    unread: list[tuple[Path, str]] = field(default_factory=list)
    hidden: list[Path] = field(default_factory=list)


def find(paths: Sequence[Path]) -> Found:
    """The files that these paths name, or that lie below them. Raises `BadConfiguration` when there are none."""
    found = Found()
    for path in paths:
        if path.is_dir():
            found.files += sorted(_within(path, found))
        elif path.is_file():
            found.files.append(path)
            found.named.add(path)
        elif path.exists():
            raise BadConfiguration(f"{path}: neither a file nor a directory")
        else:
            raise BadConfiguration(f"{path}: no such file or directory")
    if not found.files:
        told = [*found.unread, *((path, "hidden, not read; name it to import it") for path in found.hidden)]
        raise BadConfiguration("; ".join(f"{path}: {why}" for path, why in told) or f"{paths[0]}: no files in it")
    found.hidden.sort()
    return found


def _within(directory: Path, found: Found) -> Iterator[Path]:
    """The files below a directory; links to directories are not followed, so they make no circles."""

    def closed(error: OSError) -> None:
        found.unread.append((Path(error.filename), f"cannot be read: {error.strerror}"))

    for root, directories, names in directory.walk(on_error=closed):
        found.unread += [
            (root / one, "a link to a directory: not followed") for one in directories if (root / one).is_symlink()
        ]
        for path in (root / name for name in names):
            if path.name.startswith("."):
                found.hidden.append(path)
            elif path.is_file():
                yield path
            else:
                found.unread.append((path, "neither a file nor a directory"))
