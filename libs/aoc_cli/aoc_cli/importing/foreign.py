"""What is no log, told so that it helps: archives, and what is no text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_common.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Kind of archive -> where its mark stands, and the mark.
_ARCHIVES: Final = {
    "zip": (0, b"PK\x03\x04"),
    "tar": (257, b"ustar"),
    "7z": (0, b"7z\xbc\xaf\x27\x1c"),
    "xz": (0, b"\xfd7zXZ\x00"),
    "bzip2": (0, b"BZh"),
    "zstd": (0, b"\x28\xb5\x2f\xfd"),
}
_NO_CHARACTER: Final = "\N{REPLACEMENT CHARACTER}"


def refuse_archive(head: bytes) -> None:
    """Raises `Malformed` that says what to do when a file that begins like this is an archive."""
    for kind, (at, mark) in _ARCHIVES.items():
        if head[at : at + len(mark)] == mark:
            raise Malformed(f"a {kind} archive: unpack it first, and import what is in it")


def is_text(parts: Iterable[str]) -> bool:
    """Whether these can be shown to a person: no control characters, and nothing that could not be decoded."""
    return all((one.isprintable() or one.isspace()) and _NO_CHARACTER not in one for one in parts)
