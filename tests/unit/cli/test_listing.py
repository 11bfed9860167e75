"""Lists of events: a table that fits, CSV that is no program, JSON that steers no terminal."""

from __future__ import annotations

import csv
import fcntl
import io
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from aoc_cli.columns import Cell, Column, cut, fitted, of_fields
from aoc_cli.listing import Clock, CsvLines, JsonLines, Table, ago, default_columns, printer
from aoc_cli.terminal import harmless_json, json_line, out
from aoc_common.contracts.event_message import EventMessage
from aoc_common.contracts.printable import cell, visible
from aoc_common.contracts.rows import FIELDS, OF_CSV, Row, names_of, text
from aoc_common.errors import BadConfiguration
from each import each

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
FIRST, SECOND = (UUID(f"019ab0c4-2f40-8a1b-9c2d-00000000000{n}") for n in (1, 2))
#: Steers a terminal, in each of the ways that there are: C0, C1, direction of writing, what nobody sees.
STEERING = "\x1b]0;x\x07\x9b31m\u202e\u2066\u200b\U000e0041\r\n\x7f\ud800"


def a_row(event_id: UUID = FIRST, **changes) -> Row:
    ocsf = {
        "time": 1795420800000,
        "status_id": 2,
        "status": "Failure",
        "status_detail": "wrong password",
        "severity_id": 3,
        "message": "Sign-in of dana failed",
        "actor": {"user": {"uid": "17"}, "app_name": "Outlook"},
        "src_endpoint": {"ip": "203.0.113.9", "location": {"city": "Utrecht", "country": "NL"}},
        "observables": [
            {"name": name, "value": value} for name, value in (("target", "a"), ("actor", "dana"), ("target", "b"))
        ],
    }  # fmt: skip
    made = {"operation": "UserLoginFailed", "service": "entra", "actor": "dana", "ip": "203.0.113.9"}
    return Row(event_id, "contoso", "o365-entra", ocsf=ocsf | changes.pop("ocsf", {}), **made | changes)


@pytest.fixture
def width(monkeypatch):
    """`width(80)`: standard output is a terminal of that width; `width(None)`: it is none."""

    def set_width(columns):
        monkeypatch.setattr(out, "_force_terminal", columns is not None)
        monkeypatch.setattr(out, "_width", columns or 10_000)
        monkeypatch.setattr(out, "no_color", True)

    set_width(None)
    return set_width


SHOW = """
from uuid import UUID
from aoc_cli.listing import Table, default_columns, Clock
from aoc_common.contracts.rows import Row
event = {"time": 1795420800000, "status_id": 2, "severity_id": 5, "message": "much happened"}
Table(default_columns(Clock.UTC)).show([Row(UUID(int=1), "contoso", "x", "Add-X", event, ip="203.0.113.9")])
"""


def shown_on_a_terminal(**variables: str) -> str:
    """What a program of its own shows on a terminal of 120 columns."""
    keeper, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    unset = {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "TTY_COMPATIBLE"}
    env = {name: value for name, value in os.environ.items() if name not in unset} | {"TERM": "xterm-256color"}
    subprocess.run([sys.executable, "-c", SHOW], stdin=terminal, stdout=terminal, env=env | variables, check=True)
    os.close(terminal)
    with os.fdopen(keeper, "rb") as kept:
        return kept.read1().decode()


@pytest.mark.slow
def test_colours_are_for_terminals_only_and_not_where_nobody_wants_them() -> None:
    coloured, plain = shown_on_a_terminal(), shown_on_a_terminal(NO_COLOR="1")
    piped = subprocess.run([sys.executable, "-c", SHOW], capture_output=True, text=True, check=True).stdout
    colour = re.compile(r"\x1b\[[0-9;]*3[0-7]m")

    assert colour.search(coloured)
    assert not colour.search(plain)
    assert "\x1b" not in piped
    assert all("much happened" in shown for shown in (coloured, plain, piped))
    assert ["time (UTC)" in shown for shown in (coloured, plain, piped)] == [True, True, False]


def lines_of(capsys) -> list[str]:
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("columns", [20, 40, 60, 80, 100, 132, 200])
def test_no_line_is_wider_than_the_terminal_and_a_cut_shows(width, capsys, columns) -> None:
    width(columns)
    long = a_row(operation="Add-" + "x" * 60, ip="2001:db8:1111:2222:3333:4444:5555:6666", versions=2, version=2,
                 ocsf={"message": "\N{CJK UNIFIED IDEOGRAPH-4E2D}" * 300})  # fmt: skip
    Table(default_columns(Clock.UTC)).show([a_row(), long])
    shown = lines_of(capsys)

    assert len(shown) == 3
    assert all(cell_len(line) <= columns for line in shown)
    assert "\N{HORIZONTAL ELLIPSIS}" in shown[2]


def test_columns_are_left_out_by_rank_where_there_is_no_room(width, capsys) -> None:
    headings = {}
    for columns in (70, 100, 130, 240):
        width(columns)
        Table(default_columns(Clock.UTC)).show([a_row()])
        headings[columns] = lines_of(capsys)[0].split()

    assert headings == {
        70: ["time", "(UTC)", "address", "event"],
        100: ["time", "(UTC)", "address", "place", "event"],
        130: ["time", "(UTC)", "address", "place", "operation", "event"],
        240: ["time", "(UTC)", "address", "place", "operation", "id", "event"],
    }


def test_a_pipe_gets_whole_rows_without_header_or_colour(width, capsys) -> None:
    width(None)
    Table(default_columns(Clock.UTC)).show([a_row(ocsf={"message": "m" * 500})])

    assert lines_of(capsys) == [f"2026-11-23 08:00:00  x  203.0.113.9      Utrecht, NL  UserLoginFailed  {'m' * 500}"]


@pytest.mark.parametrize(
    ("options", "printed"),
    [({}, ["first (in two logs)"]), ({"twins": True}, ["first (in two logs)", "second (in two logs)"])],
)
def test_of_twins_one_is_shown_whichever_comes_first_unless_both_are_asked_for(width, capsys, options, printed) -> None:
    first = a_row(FIRST, twin=SECOND, ocsf={"message": "first"})
    second = a_row(SECOND, twin_of=FIRST, ocsf={"message": "second"})
    table = Table(of_fields(["message"]), **options)
    counts = [table.show([first]), table.show([second])]
    turned = Table(of_fields(["message"]), **options)
    turned.show([second, first])

    assert sum(counts) + table.folded == 2
    assert lines_of(capsys) == printed + (printed[::-1] if options else ["second (in two logs)"])


def test_a_twin_whose_other_does_not_match_is_shown(width, capsys) -> None:
    assert Table(of_fields(["message"])).show([a_row(SECOND, twin_of=FIRST)]) == 1


@each(
    ("seconds", "shown"),
    [(0, "0 s ago"), (59, "59 s ago"), (60, "1 min ago"), (7199, "1 h ago"), (172_799, "47 h ago"),
     (172_800, "2 d ago"), (400 * 86_400, "400 d ago"), (-120, "in 2 min")],
)  # fmt: skip
def test_relative_times(seconds, shown) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == shown


def test_times_are_shown_as_asked_and_what_has_none_is_called_undated(width, capsys) -> None:
    Table(of_fields(["time"]), Clock.RELATIVE, now=NOW + timedelta(hours=3)).show([a_row(), a_row(ocsf={"time": 0})])

    assert lines_of(capsys) == ["3 h ago", "undated"]


def test_csv_has_a_header_and_every_field_as_a_spreadsheet_can_take_it(capsys) -> None:
    assert CsvLines(OF_CSV).show([a_row(ocsf={"message": '=HYPERLINK("http://x","y")\n+1'}), a_row()]) == 2
    header, first, _ = csv.reader(io.StringIO(capsys.readouterr().out))

    assert tuple(header) == OF_CSV
    row = dict(zip(header, first, strict=True))
    assert row["message"] == '\'=HYPERLINK("http://x","y")\N{REPLACEMENT CHARACTER}+1'
    assert (row["time"], row["place"], row["targets"], row["result"]) == (
        "2026-11-23T08:00:00.000Z", "Utrecht, NL", "a; b", "failure",
    )  # fmt: skip


@given(st.text(max_size=30))
def test_no_cell_of_csv_is_a_formula_or_more_than_a_line(content) -> None:
    shown = cell(content)

    assert not shown.lstrip().startswith(("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20"))
    assert len(shown.splitlines()) <= 1
    assert visible(content) in shown


@pytest.mark.parametrize("kind", ["table", "csv", "json", "json of fields"])
@pytest.mark.parametrize("columns", [None, 80])
def test_what_an_attacker_wrote_steers_no_terminal(width, capsys, kind, columns) -> None:
    width(columns)
    hostile = a_row(
        operation=STEERING, actor=STEERING, ip=STEERING, tags=[STEERING], unmapped={STEERING[:5]: STEERING},
        ocsf={"message": STEERING[:-1], "observables": [{"name": "target", "value": STEERING[:-1]}],
              "src_endpoint": {"location": {"city": STEERING[:-1]}}},
    )  # fmt: skip
    if "json" in kind:  # of the store, which has no lone surrogates
        hostile = a_row(operation=STEERING[:-1], actor=STEERING[:-1], unmapped={"x": STEERING[:-1]})
    fields = (
        None if kind in {"table", "json"} else "message,operation,actor,targets,tags,event.src_endpoint.location.city"
    )
    printer(as_json="json" in kind, as_csv=kind == "csv", fields=fields).show([hostile])
    shown = capsys.readouterr().out

    assert not set(shown) & set(STEERING.replace("\n", "").replace("]0;x", "").replace("31m", ""))
    assert len(shown.splitlines()) == (2 if kind == "csv" or (kind == "table" and columns) else 1)


@pytest.mark.slow
@given(st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_harmless_json_is_the_same_value(value) -> None:
    text_of_it = json.dumps(value, ensure_ascii=False)

    assert json.loads(harmless_json(text_of_it)) == value
    assert visible(harmless_json(text_of_it)) == harmless_json(text_of_it)


def test_json_keeps_letters_of_all_scripts() -> None:
    assert json_line({"name": "Zo\u00eb \u4e2d\x7f"}) == '{"name":"Zo\u00eb \u4e2d\\u007f"}'


def test_fields_are_named_and_paths_lead_into_the_event() -> None:
    names = names_of("time, actor,event.actor.user.uid,event.observables.1.value,unmapped.UserKey,event.no.such")
    row = a_row(unmapped={"UserKey": 12})

    assert [text(row, name) for name in names] == ["2026-11-23T08:00:00.000Z", "dana", "17", "dana", "12", ""]


@each("listed", ["", " , ", "time,nonsense", "event.", "unmapped", "event"])
def test_a_field_that_there_is_not_is_refused_with_those_that_there_are(listed) -> None:
    with pytest.raises(BadConfiguration, match="--fields"):
        printer(as_json=False, as_csv=True, fields=listed)


def test_json_and_csv_at_once_are_refused() -> None:
    with pytest.raises(BadConfiguration, match="--json and --csv"):
        printer(as_json=True, as_csv=True, fields=None)


def test_json_of_fields_has_these_and_their_types(capsys) -> None:
    JsonLines(("id", "targets", "versions", "twin_of")).show([a_row()])

    assert json.loads(capsys.readouterr().out) == {
        "id": str(FIRST), "targets": ["a", "b"], "versions": 1, "twin_of": None,
    }  # fmt: skip


@each("name", FIELDS)
@each(
    "ocsf",
    [{}, {"observables": "x", "src_endpoint": [], "actor": None, "time": "x"}, {"time": 10**20, "severity_id": []}],
)
def test_no_event_is_too_strange_to_be_shown(name, ocsf) -> None:
    assert isinstance(text(Row(FIRST, "contoso", "x", "Op", ocsf), name), str)


def test_a_message_of_the_bus_is_shown_as_an_event_of_the_store_is() -> None:
    body = json.dumps({**a_row().ocsf, "metadata": {"labels": ["no-id"]}, "api": {"operation": "UserLoginFailed"}})
    message = EventMessage.from_message(
        "aoc.events.contoso.o365-entra.3002", {"Nats-Msg-Id": str(FIRST), "Aoc-Operation": "UserLogin"}, body.encode()
    )
    row = Row.of_message(message)

    assert {name: text(row, name) for name in ("id", "operation", "actor", "place", "targets", "tags")} == {
        "id": str(FIRST), "operation": "UserLoginFailed", "actor": "dana", "place": "Utrecht, NL", "targets": "a; b",
        "tags": "no-id",
    }  # fmt: skip


@given(st.text(), st.integers(0, 40))
def test_what_is_cut_has_the_width_that_it_may_have(content, columns) -> None:
    assert cell_len(cut(visible(content), columns)) <= columns


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 5), st.booleans()), min_size=1, max_size=8),
    st.integers(20, 250),
)
def test_a_layout_fits_whatever_its_columns_hold(made, columns) -> None:
    shapes = [Column(str(n), "head", 6, 50, rank, 30, rest) for n, (_, rank, rest) in enumerate(made)]
    layout = fitted(shapes, [["x" * length] for length, _, _ in made], columns)
    line = layout.line([Cell("y" * 90, note="(note)") for _ in layout.columns])

    least = 6 * len(layout.columns) + 2 * (len(layout.columns) - 1)
    assert cell_len(line.plain) <= max(columns, least)
