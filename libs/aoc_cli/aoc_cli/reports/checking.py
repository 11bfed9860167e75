"""`aoc completeness --check`: who signed a report, whether the reader believes that key, and what was signed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aoc_cli.reports import form
from aoc_cli.reports.printing import show
from aoc_cli.reports.reading import read
from aoc_cli.reports.trust import Verdict
from aoc_cli.terminal import as_json, out, plain
from aoc_common.errors import BadConfiguration

if TYPE_CHECKING:
    from pathlib import Path

    from aoc_cli.reports.form import Signed
    from aoc_cli.reports.reading import Statement
    from aoc_cli.reports.trust import Pins

_VERDICT_TEXTS: Final = {
    Verdict.PROVEN: "[green]proven[/]: unchanged since it was signed with the pinned key {kid}",
    Verdict.OTHER_KEY: "[red]not proven[/]: signed with another key than is pinned: {kid}",
    Verdict.UNPINNED: "[yellow]not proven[/]: unchanged since it was signed with key {kid}, but no key is pinned, and "
    "anybody can make a key. Ask the signer for the fingerprint, and give it with --fingerprint",
}
_BEFORE: Final = "[dim]form[/] of the version before: it does not state what came after that version"


def check(path: Path, pins: Pins, *, json: bool) -> Verdict:
    """Print what is known of a report and, unless another key signed it, what was signed.

    Raises `Malformed` for what was changed, or is no report of ours, whoever signed it.
    """
    signed = form.check(_bytes(path))
    verdict = pins.judge(signed.key)
    document: dict[str, Any] = {}
    # A statement that an unpinned other key signed is neither parsed nor shown.
    if verdict is not Verdict.OTHER_KEY:
        document = signed.statement()
        statement = read(document, signed.form)
        retired = pins.retired.get(signed.kid)
        if retired is not None and statement.at > retired:
            verdict = Verdict.OTHER_KEY
    if json:
        result = {
            "verdict": verdict.name.lower(),
            "key": signed.kid,
            "form": signed.form,
            "statement": document or None,
        }
        out.out(as_json(result), highlight=False)
    elif document:
        _print_verdict(signed, verdict, statement, pins)
    else:
        out.print(_VERDICT_TEXTS[verdict].format(kid=plain(signed.kid)))
        out.print(f"pinned: {plain(', '.join(sorted(pins.fingerprints)))}")
    return verdict


def _print_verdict(signed: Signed, verdict: Verdict, statement: Statement, pins: Pins) -> None:
    if verdict is Verdict.OTHER_KEY:
        retired, made = (f"{at:%Y-%m-%d %H:%M:%S} UTC" for at in (pins.retired[signed.kid], statement.at))
        out.print(f"[red]not proven[/]: key {plain(signed.kid)} was retired at {retired}; the report names {made}")
    else:
        out.print(_VERDICT_TEXTS[verdict].format(kid=plain(signed.kid)))
    if signed.form is form.Form.BEFORE:
        out.print(_BEFORE)
    show(statement)


def _bytes(path: Path) -> bytes:
    """What the file holds, or the beginning of what is too large. Raises `BadConfiguration` when it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(form.LARGEST + 1)
    except OSError as error:
        raise BadConfiguration(f"{path}: {error.strerror}") from None
