"""Private values in places where nobody expects them, and more of them than anybody should have."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from aoc_common.contracts.access import Hidden
from aoc_common.contracts.event import StoredEvent
from aoc_common.contracts.privacy.fields import PRIVATE_FIELDS, is_private, squeezed
from aoc_common.contracts.privacy.private_values import DEEPEST, MARK, MOST_VALUES
from aoc_common.contracts.privacy.redaction import redacted
from aoc_common.contracts.privacy.seen import found_by, seen
from each import each

SECRET = "Redundancies in Lisbon"  # a subject


def event(raw: Any, message: str = "Dana did something", **ocsf: Any) -> StoredEvent:
    return StoredEvent(
        id=UUID(int=1),
        tenant="contoso",
        source="o365-exchange",
        time=datetime(2026, 11, 23, tzinfo=UTC),
        service="exchange",
        operation="MailItemsAccessed",
        result="success",
        actor="dana@contoso.example",
        ip="203.0.113.9",
        correlation_id=None,
        tags=(),
        ocsf={"message": message, "metadata": {"uid": "1"}} | ocsf,
        unmapped={},
        raw=raw if isinstance(raw, str) else json.dumps(raw),
        page="p",
    )


def shown(raw: Any, *fields: str, message: str = "Dana did something", **ocsf: Any) -> str:
    """All that is shown of an event, as text."""
    answered = redacted(event(raw, message, **ocsf), frozenset(fields))
    return json.dumps([answered.ocsf, answered.unmapped, answered.raw, answered.ip], ensure_ascii=False)


@each(
    "raw",
    [
        {"Subject": SECRET},
        {"subject": SECRET},
        {"email_subject": SECRET},
        {"Normalized Subject": SECRET},
        {"Item": {"Subject": {"Text": SECRET}}},
        {"Subject": [SECRET, "x"]},
        {"AuditData": json.dumps({"Subject": SECRET})},
        {"a": json.dumps({"b": json.dumps({"Subject": SECRET})})},
        {"ExtendedProperties": [{"Name": "Subject", "Value": SECRET}]},
        {"ModifiedProperties": [{"Name": "EmailSubject", "NewValue": SECRET, "OldValue": "y"}]},
        {"Parameters": [{"Name": "SubjectContainsWords", "Value": SECRET}]},
        {"Xml": f"<Mail><Subject>{SECRET}</Subject></Mail>"},
        {"Xml": f'<Parameter Name="Subject" Value="{SECRET}"/>'},
        {"Subject": SECRET, "Note": f"about {SECRET.upper()}, again"},
        {"Subject": SECRET, "Data": json.dumps({"note": f'"{SECRET}"'})},
        {"Subject": SECRET, "Cut": f"{SECRET[:24]}..."},
        {"\u200bSub\u00adject": SECRET},
        '{"Subject": "' + SECRET + '", "Subject": "x"}',
        f"not JSON: {SECRET}",
        {"Entities": [{"Type": "mail-message", "Name": SECRET}]},
        {"Subject": SECRET, "Counts": {SECRET: 2}},
    ],
)
def test_a_value_is_hidden_wherever_it_stands(raw) -> None:
    text = shown(raw, "subject").lower()

    assert "redundancies" not in text
    assert "lisbon" not in text


@each(
    "message",
    [f"Dana read {SECRET}", f"Dana read {SECRET[:12]}", "Dana read about Lisbon", f"Dana read {SECRET.swapcase()}!"],
)
def test_a_sentence_that_tells_a_value_in_part_gives_way(message) -> None:
    assert "lisbon" not in shown({"Subject": SECRET}, "subject", message=message).lower()
    assert "redundancies" not in shown({"Subject": SECRET}, "subject", message=message).lower()


def test_a_sentence_that_tells_nothing_stays() -> None:
    assert "Dana did something" in shown({"Subject": SECRET}, "subject")


def test_long_values_that_were_cut_are_hidden_to_the_end() -> None:
    long = "a plan that nobody was to hear of before the end of the year"
    text = shown({"Subject": long, "Short": f"{long[:40]}..."}, "subject", message=f"Dana read {long[:39]}\u2026")

    assert "nobody" not in text


@each(
    ("fields", "raw", "gone"),
    [
        (("file",), {"ObjectId": "https://contoso.sharepoint.com/sites/hr/plan.docx"}, "plan.docx"),
        (("file",), {"Anything": "https://contoso-my.sharepoint.com/personal/d/a.docx"}, "a.docx"),
        (("file",), {"requestUri": "https://graph.microsoft.com/v1.0/me/drive/root:/Plan.docx"}, "Plan.docx"),
        (("file",), {"SourceFileName": "Plan%20B.docx", "Title": "Plan B.docx"}, "Plan B"),
        (("file",), {"Path": "C:\\Users\\d\\Plan.docx", "Name": "plan.docx"}, "plan.docx"),
        (("address",), {"Text": "from 198.51.100.7 and 198.51.100.8"}, "198.51.100"),
        (("address",), {"Odd": "2001:db8::7", "ClientIP": "[2001:db8::8]:443"}, "2001:db8"),
        (("address",), {"location": {"port": 4711}, "SourcePort": 4712}, "4712"),
        (("location",), {"location": {"geoCoordinates": {"latitude": 38.72}}}, "38.72"),
        (("device",), {"deviceDetail": {"displayName": "dana-laptop"}, "x": "DANA-LAPTOP"}, "laptop"),
        (("content",), {"SearchQueryText": "severance pay"}, "severance"),
    ],
)
def test_each_kind_is_hidden(fields, raw, gone) -> None:
    assert gone.lower() not in shown(raw, *fields).lower()
    assert gone.lower() in shown(raw).lower().replace("\\\\", "\\")


def test_what_looks_like_a_private_name_and_is_none_stays() -> None:
    assert "AppType" in shown({"SubjectType": "AppType"}, "subject")
    assert not is_private("SubjectType", {"subject"})
    assert squeezed("Source_File Name") == "sourcefilename"


def test_short_values_are_hidden_where_they_stand_and_do_not_riddle_other_words() -> None:
    text = shown({"Subject": "in", "Subject2": "tax", "Note": "inside, taxes and tax"}, "subject")

    assert "inside, taxes and [hidden]" in text


def test_an_event_with_more_private_values_than_can_be_looked_for_loses_its_texts() -> None:
    raw = {"Attachments": [f"secret number {n}.docx" for n in range(MOST_VALUES + 1)], "Note": "secret number 7.docx"}
    text = shown(raw, "file", message="Dana sent secret number 8.docx")

    assert "secret" not in text
    assert json.loads(text)[2] == MARK


def test_what_is_deeper_than_anybody_looks_is_hidden_as_a_whole() -> None:
    deep: Any = {"Subject": SECRET, "x": "visible"}
    for _ in range(DEEPEST + 5):
        deep = {"a": deep}

    assert "visible" not in shown(deep, "subject")
    nested = json.dumps({"Subject": SECRET})
    for _ in range(12):
        nested = json.dumps({"a": nested})
    assert "redundancies" not in shown(nested, "subject").lower()


def test_nothing_is_touched_where_nothing_is_hidden() -> None:
    whole = event({"Subject": SECRET})

    assert redacted(whole, frozenset()) is whole
    assert seen(whole, Hidden()) is whole
    assert seen(whole, Hidden(services=frozenset({"exchange"}))) is None


def test_an_event_is_found_by_what_can_be_read_in_it() -> None:
    whole = event({"Subject": SECRET, "Folder": "Inbox"}, f"Dana read {SECRET}")
    terms = ("dana", "read", "redundancies", "lisbon", "inbox", "mailitemsaccessed", "notunderstood", "other")
    hidden = seen(whole, Hidden(fields=frozenset({"subject"})))
    assert hidden is not None

    assert found_by(whole, terms).terms == set(terms) - {"other"}
    assert found_by(hidden, terms).terms == {"dana", "read", "inbox", "mailitemsaccessed", "notunderstood"}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["Subject", "Name", "Value", "type", "file", "ip", "x", "<Subject>"]), inner, max_size=4
        )
    ),
    max_leaves=20,
)


@given(record=_JSON, nested=st.booleans(), fields=st.sets(st.sampled_from(PRIVATE_FIELDS), min_size=1))
def test_whatever_a_record_holds_can_be_shown_and_a_named_value_is_not(record, nested, fields) -> None:
    raw = {"Subject": SECRET, "a": json.dumps(record) if nested else record, SECRET[:4]: [record]}
    text = shown(raw, *fields, "subject")

    assert SECRET not in text
    assert redacted(event("\ud800" if nested else "", "x"), frozenset(fields)).ocsf["message"] == "x"
