"""Which files an import reads, and what lies among them that it does not."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from aoc_common.errors import BadConfiguration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(slots=True)
class Selection:
    """The files of an import.

    `files`: those to read, in order. `named`: those of them that were named themselves, and lie in no directory that
    was. `unread`: what is not read, and why. `hidden`: files of directories whose names begin with a dot.
    """

    files: list[Path] = field(default_factory=list)
    named: set[Path] = field(default_factory=set)
    unread: list[tuple[Path, str]] = field(default_factory=list)
    hidden: list[Path] = field(default_factory=list)


def select(paths: Sequence[Path]) -> Selection:
    """The files that these paths name, or that lie below them. Raises `BadConfiguration` when there are none."""
    selection = Selection()
    for path in paths:
        if path.is_dir():
            selection.files += sorted(_within(path, selection))
        elif path.is_file():
            selection.files.append(path)
            selection.named.add(path)
        elif path.exists():
            raise BadConfiguration(f"{path}: neither a file nor a directory")
        else:
            raise BadConfiguration(f"{path}: no such file or directory")
    if not selection.files:
        hidden = [(path, "hidden, not read; name it to import it") for path in selection.hidden]
        reasons = "; ".join(f"{path}: {reason}" for path, reason in [*selection.unread, *hidden])
        raise BadConfiguration(reasons or f"{paths[0]}: no files in it")
    selection.hidden.sort()
    return selection


def _within(directory: Path, selection: Selection) -> Iterator[Path]:
    """The files below a directory; links to directories are not followed, so they make no circles."""

    def closed(error: OSError) -> None:
        selection.unread.append((Path(error.filename), f"cannot be read: {error.strerror}"))

    for root, _, names in directory.walk(on_error=closed):
        for path in (root / name for name in names):
            if path.name.startswith("."):
                selection.hidden.append(path)
            elif path.is_file():
                yield path
            else:
                selection.unread.append((path, _why_not(path)))


def _why_not(path: Path) -> str:
    """What it is that is neither a file nor a directory of its own."""
    if path.is_symlink():
        return "a link to a directory: not followed" if path.is_dir() else "a link to what is not there"
    return "neither a file nor a directory"
