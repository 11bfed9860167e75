"""What a file is that holds no records, said so that it helps, and whether evidence may be missing because of that."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from aoc_common.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

GZIP: Final = b"\x1f\x8b"
ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_TAR_AT: Final = 257
_TAR: Final = b"ustar"
#: Bytes from the beginning of a file that tell what it is.
HEAD: Final = 4096

#: What a file begins with -> what it is. Those that may hold evidence, and what to do about it.
_PACKED: Final = {
    b"7z\xbc\xaf\x27\x1c": "a 7z archive: unpack it first, and import what is in it",
    b"Rar!\x1a\x07": "a rar archive: unpack it first, and import what is in it",
    b"\xfd7zXZ\x00": "an xz file: unpack it first, and import what is in it",
    b"BZh": "a bzip2 file: unpack it first, and import what is in it",
    b"\x28\xb5\x2f\xfd": "a zstd file: unpack it first, and import what is in it",
    b"MSCF": "a cabinet archive: unpack it first, and import what is in it",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an old Office file (.xls, .doc, .msg): save what is in it as CSV UTF-8",
    b"ElfFile\x00": "a Windows event log (.evtx), which is none of Microsoft 365",
    b"PAR1": "a Parquet file: convert it to JSON lines",
    b"Obj\x01": "an Avro file, as Event Hubs Capture writes: convert it to JSON lines",
    b"SQLite format 3\x00": "a SQLite database: export its tables",
    b"!BDN": "an Outlook data file (.pst)",
}
#: Those that lie beside logs and are none.
_HARMLESS: Final = {
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"%PDF": "a PDF document",
    b"MZ": "a Windows program",
    b"\x7fELF": "a program",
    b"{\\rtf": "an RTF document",
}
#: Of an Office document, which is a zip: a folder in it -> what it is, and whether it may hold evidence.
_OFFICE: Final = {
    "xl/": ("an Excel workbook: save each of its sheets as CSV UTF-8, and import that", True),
    "word/": ("a Word document", False),
    "ppt/": ("a PowerPoint presentation", False),
}
_NO_CHARACTER: Final = "\N{REPLACEMENT CHARACTER}"
_SIGN_IN: Final = re.compile(rb"(?i)sign in|login\.microsoft|password|log in")
#: The priority that a line of syslog begins with.
_SYSLOG: Final = re.compile(rb"<\d{1,3}>")
#: What a text has in it that holds records: JSON behind other text, also as text in a string.
_EVIDENCE: Final = re.compile(
    r"""\\?["'](?:CreationTime|AuditData|createdDateTime|activityDateTime|operationName)\\?["']\s*:""", re.IGNORECASE
)
#: A line of a list of properties as PowerShell prints it, with the colons below one another; and the line of dashes
#: below the header of a table.
_PROPERTY: Final = re.compile(r"([A-Za-z]\w{0,60} *) : ")
_RULE: Final = re.compile(r"-{2,}+(?: ++-{2,}+)++\s*+")
_PROPERTIES: Final = 3
#: What stands in the names of properties of what may be evidence; notes have lists and tables, too.
_TELLING: Final = re.compile(r"(?i)time|date|user|operation|address|sender|recipient|mailbox|forward|identity|audit")
_EXPORT: Final = "export it with ConvertTo-Json -Depth 20, or as CSV"
#: What a JSON document begins with beyond doubt, whatever may be wrong later.
_OBJECT: Final = re.compile(rb'(?:\[\s*+)*+(?:\{\s*+["}]|"\{(?:\s|\\[rnt])*+\\")')
_SCALARS: Final = re.compile(rb'\[\s*+(?:"|-?\d|true|false|null|\]|\[)')
_AFTER_ARRAY: Final = re.compile(rb"\s*+(?:\Z|[\[{])")
_ANY: Final = msgspec.json.Decoder()


class NoLogError(Malformed):
    """A file that holds no records. `harmless`: it is of a kind that lies beside logs, such as a note or a picture."""

    def __init__(self, reason: str, *, harmless: bool = False) -> None:
        super().__init__(reason)
        self.harmless = harmless


def is_zip(head: bytes) -> bool:
    """Whether it begins as a zip archive."""
    return head.startswith(ZIP)


def is_tar(head: bytes) -> bool:
    """Whether it begins as a tar archive."""
    return head[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR


def refuse_binary(head: bytes) -> None:
    """Raises `NoLogError` for a file that begins as something that is no text."""
    for mark, what in _PACKED.items():
        if head.startswith(mark):
            raise NoLogError(what)
    for mark, what in _HARMLESS.items():
        if head.startswith(mark):
            raise NoLogError(what, harmless=True)


def refuse_markup(head: bytes) -> None:
    """Raises `NoLogError` for HTML and XML. A page to sign in at is what a script saves when its session has ended."""
    start = head[:200].lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")) or b"<html" in start:
        if _SIGN_IN.search(head):
            raise NoLogError("an HTML page to sign in at: what should have been exported was not")
        raise NoLogError("an HTML page")
    if start.startswith(b"<") and not _SYSLOG.match(start):
        raise NoLogError("XML: export it as JSON or CSV")


def refuse_office(names: Collection[str]) -> None:
    """Raises `NoLogError` for a zip that holds these when it is a document of Office."""
    if "[Content_Types].xml" in names:
        for folder, (what, evidence) in _OFFICE.items():
            if any(name.startswith(folder) for name in names):
                raise NoLogError(what, harmless=not evidence)
        raise NoLogError("an Office document", harmless=True)


def is_json(head: bytes) -> bool:
    """Whether a text is meant to be JSON. A line of a log can begin with a bracket, too."""
    if _OBJECT.match(head):
        return True
    if not _SCALARS.match(head):
        return False
    try:
        _ANY.decode(head)
    except msgspec.DecodeError as error:
        after = _AFTER_ARRAY.match(head, head.find(b"]") + 1)
        return "truncated" in str(error) or ("trailing" in str(error) and after is not None)
    except (UnicodeDecodeError, RecursionError):
        return False
    return True


def holds_records(text: str) -> bool:
    """Whether there are records in a text, whatever is around them."""
    return _EVIDENCE.search(text) is not None


def printed(lines: Iterable[str]) -> str | None:
    """What PowerShell has printed here instead of exporting it, if it has."""
    names: list[str] = []
    before = ""
    for line in lines:
        if _RULE.fullmatch(line) and _TELLING.search(before):
            return f"a table as PowerShell prints it, cut to the width of a window (Format-Table): {_EXPORT}"
        if found := _PROPERTY.match(line):
            names = [*names, found[1]] if names and len(names[0]) == len(found[1]) else [found[1]]
            listed = len(names) >= _PROPERTIES and any(map(_TELLING.search, names))
            if listed or found[1].strip() == "AuditData":
                return f"a list as PowerShell prints it (Format-List): {_EXPORT}"
        elif not line.startswith(" "):  # which goes on with a value
            names = []
        before = line
    return None


def is_text(parts: Iterable[str]) -> bool:
    """Whether these can be shown to a person: no control characters, and nothing that could not be decoded."""
    words = (word for part in parts for word in part.split())
    return all(word.isprintable() and _NO_CHARACTER not in word for word in words)
