"""What a destination has is compared with what was published: each way to be wrong is seen, and counted once."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from aoc_cli.verify import sink_folders, sinks_file
from aoc_cli.verify.alert_recorder import RecordedAlert
from aoc_cli.verify.published import MessageProperties
from aoc_cli.verify.sink_alerts import published_alerts
from aoc_cli.verify.sink_audit import made_entries, published_entries
from aoc_cli.verify.sink_comparison import Arrived, Published, SinkOutcome, as_stored, compare_sink, keys, published
from aoc_cli.verify.stream_recorder import RecordedMessage
from aoc_common.contracts.event import text_digest
from aoc_common.contracts.sink_states import Tally
from aoc_common.errors import BadConfiguration
from aoc_common.store.mongo.census import StoredStatement
from aoc_exporter.sinks_file import read_file

NOTHING = frozenset[str]()
EVENT = UUID(int=1)
SENT = {
    "a-1": Published(frozenset({"fa"}), frozenset({"ta"})),
    "a-2": Published(frozenset({"fb"}), frozenset({"tb", "tb as it was spelt before"}), times=2),
    "b-1": Published(frozenset({"fc"}), NOTHING),
}
THERE = {"a-1": Arrived(1, "fa", "ta"), "a-2": Arrived(1, "fb", "tb"), "b-1": Arrived(1, "fc", "", cut=True)}


def outcome(name: str = "splunk", there: dict[str, Arrived] | None = None, *account: Tally) -> SinkOutcome:
    return compare_sink(name, keys({"a": 2, "b": 1}), SENT, THERE if there is None else there, account)


def changed(key: str, **changes: object) -> dict[str, Arrived]:
    return THERE | {key: replace(THERE[key], **changes)}


def test_everything_once_is_right_and_says_what_was_shortened() -> None:
    whole = outcome()

    assert (whole.expected, whole.taken, whole.shortened, whole.wrong) == (3, 3, 1, {})


def test_each_way_to_be_wrong_is_seen() -> None:
    stranger = Arrived(1, "x", "y")
    seen = {
        "lost": outcome(there={key: one for key, one in THERE.items() if key != "a-2"}),
        "unknown": outcome(there=THERE | {"c-1": stranger}),
        "altered": outcome(there=changed("a-1", fields="other")),
        "refused": outcome("splunk", None, Tally(refused=1)),
        "missing": outcome("splunk", None, Tally(missing=1)),
        "unsaid": outcome(there=changed("a-1", times=2)),
    }

    assert {name: one.wrong for name, one in seen.items()} == {name: {name: 1} for name in seen}
    assert seen["lost"].examples == {"lost": ["a-2"]}


@pytest.mark.parametrize(
    "changes", [{"text": "other"}, {"text": ""}, {"differs": True}], ids=["another text", "no text", "twice"]
)
def test_a_text_that_is_not_the_one_that_was_published_is_altered(changes: dict[str, object]) -> None:
    assert outcome(there=changed("a-1", **changes)).wrong == {"altered": 1}


def test_what_comes_twice_is_right_where_the_account_says_so_and_wrong_where_repeats_are_told_apart() -> None:
    twice = changed("a-1", times=3)

    told = outcome("splunk", twice, Tally(repeated=1), Tally(repeated=4))
    assert (told.doubled, told.repeats, told.wrong) == (2, 5, {})
    assert outcome("elastic", twice, Tally(repeated=2)).wrong == {"doubled": 2}
    files = compare_sink("folder", keys({"a": 2, "b": 1}), SENT, twice, (Tally(repeated=2),), killed=True)
    assert files.wrong == {"doubled": 2}
    # AOC_EVENTS had this one twice, which excuses no copy of another one.
    thrice = changed("a-2", times=3)
    assert (outcome("splunk", thrice).unsaid, outcome("splunk", thrice, Tally(repeated=1)).unsaid) == (1, 0)
    assert (outcome("splunk", twice).unsaid, outcome("splunk", twice, Tally(repeated=1)).unsaid) == (2, 1)
    # That an exporter was killed excuses nothing.
    assert compare_sink("splunk", keys({"a": 2, "b": 1}), SENT, twice, (), killed=True).wrong == {"unsaid": 2}


def test_revisions_of_alerts_and_entries_of_the_audit_trail_are_compared_as_events_are() -> None:
    told = [
        RecordedAlert("x:1", "aoc.alerts.contoso.high", 0, fields="fx"),
        RecordedAlert("x:2", "aoc.alerts.contoso.high", 1, fields="fy"),
        RecordedAlert("x:2", "aoc.alerts.contoso.high", 2, fields="fy"),
    ]
    entries = [*made_entries()]
    audit = published_entries(entries)
    whole = {"x-1": Arrived(1, "fx", ""), "x-2": Arrived(2, "fy", "")} | {
        key: Arrived(1, next(iter(one.fields)), "") for key, one in audit.items()
    }

    def compared(there: dict[str, Arrived]) -> SinkOutcome:
        expected, sent = {"x-1", "x-2", *audit}, published_alerts(told) | audit
        return compare_sink("otlp", expected, sent, there, (), alerts={"x-1", "x-2"}, audit=audit)

    # The second one was on AOC_ALERTS twice, and the first one only before that was deleted.
    assert (compared(whole).wrong, compared(whole).alerts, compared(whole).audit) == ({}, 2, len(entries))
    lacking = {key: one for key, one in whole.items() if key not in {"x-1", "x-2"}}
    assert compared(lacking).wrong == {"lost": 2}
    assert compared(whole | {"x-2": Arrived(1, "other", "")}).wrong == {"altered": 1}
    assert compared({key: one for key, one in whole.items() if key not in audit}).wrong == {"lost": len(entries)}


def test_what_aoc_events_dropped_unread_is_compared_by_its_number_alone() -> None:
    partly = compare_sink("otlp", keys({"a": 2, "b": 1}), {"a-1": SENT["a-1"]}, THERE, ())

    assert (partly.unseen, partly.wrong) == (2, {})


def test_a_version_is_known_by_the_number_in_its_header() -> None:
    headers = ("contoso", "graph-signins", "UserLoggedIn", "2", None)
    second = MessageProperties("aoc.events", headers, "text", None, "u", 1, 1, 3002, "UserLoggedIn", (), None)
    messages = [RecordedMessage("a"), *[RecordedMessage("a:digest", properties=second)] * 2]

    whole, other = (Published(frozenset(), frozenset([text]), 0) for text in ("whole", "other"))
    [(key, one)] = published(messages, {"a-2": whole, "a-1": other}).items()
    assert (key, one.texts, one.times, len(one.fields)) == ("a-2", frozenset({"text", "whole"}), 2, 1)


def test_what_is_sent_from_the_store_may_be_another_spelling_than_what_was_published() -> None:
    headers = ("contoso", "graph-signins", "UserLoggedIn", "1", None)
    message = MessageProperties("aoc.events", headers, "text", None, "U", 1, 1, 3002, "UserLoggedIn", (), None)
    stored = StoredStatement(
        EVENT, "contoso", "graph-signins", "u", "UserLoggedIn", time_ms=1, class_uid=3002, status_id=1, raw="{}"
    )

    def altered(there: Arrived) -> int:
        sent = published([RecordedMessage(str(EVENT), properties=message)], {f"{EVENT}-1": as_stored(stored)})
        return compare_sink("otlp", keys({str(EVENT): 1}), sent, {f"{EVENT}-1": there}, ()).altered

    [fields] = as_stored(stored).fields
    assert altered(Arrived(2, fields, text_digest("{}"), differs=True)) == 0
    assert altered(Arrived(1, "of neither", text_digest("{}"))) == 1
    assert altered(Arrived(1, fields, "of neither")) == 1


def test_sinks_are_chosen_by_name() -> None:
    assert sinks_file.chosen(None) == ()
    assert sinks_file.chosen("all") == sinks_file.NAMES
    assert sinks_file.chosen("elastic, splunk") == ("splunk", "elastic")
    with pytest.raises(BadConfiguration, match="--sinks 'splonk': no such sink; there are splunk, elastic"):
        sinks_file.chosen("splunk,splonk")


def test_files_that_cannot_be_read_here_are_left_out_of_all_and_not_to_be_named(monkeypatch) -> None:
    monkeypatch.setattr(sink_folders, "find_spec", lambda _: None)

    assert sinks_file.chosen("all") == sinks_file.NAMES[:-1]
    assert sinks_file.NAMES[-1] == "security-lake"
    with pytest.raises(BadConfiguration, match="--sinks 'security-lake': pyarrow is not installed here"):
        sinks_file.chosen("folder,security-lake")


def test_the_file_is_one_that_the_exporter_reads(tmp_path) -> None:
    file = tmp_path / "sinks.yaml"
    sinks_file.write_secrets(tmp_path / "secrets")
    content = sinks_file.content(
        sinks_file.NAMES, "http://127.0.0.1:1", 514, tmp_path / "secrets", tmp_path / "files", {"otlp": ["contoso"]}
    )
    file.write_text(content)

    read = {sink.name: sink for sink in read_file(file)}
    assert tuple(read) == sinks_file.NAMES
    assert read["otlp"].include.tenants == ("contoso",)
    assert read["splunk"].include.empty
    assert read["folder"].options == {"path": str(tmp_path / "files" / "folder")}
    assert all(sink.twins and sink.begin == "beginning" for sink in read.values())
    assert "simulator-only" not in content
