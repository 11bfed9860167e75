"""The language of the bus."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from aoc_common.contracts import ids, subjects
from aoc_common.contracts.event import PackedEvent, Version
from aoc_common.contracts.event_message import EventMessage
from aoc_common.contracts.jobs import BackfillJob, CollectJob, DirectoryJob, PollJob, SubscriptionJob
from aoc_common.contracts.raw import RawPage
from aoc_common.errors import Malformed
from each import each

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
SUBJECT = subjects.raw("contoso", "graph-signins")


@each("tenant", ["", "Contoso", "a.b", "a>", "*", "a b", "x" * 41, "a\n"])
def test_a_tenant_that_could_change_a_subject_is_refused(tenant: str) -> None:
    with pytest.raises(Malformed, match="tenant"):
        subjects.raw(tenant, "graph-signins")


def test_an_event_id_is_a_uuid8_that_carries_its_time() -> None:
    identity = ids.event_id("contoso", "ual", "abc", ids.to_ms(NOW))

    assert identity.version == 8
    assert identity.variant == "specified in RFC 4122"
    assert ids.time_of(identity) == NOW


@given(st.integers(0, 2**48 - 1), st.integers(0, 2**48 - 1))
def test_ids_sort_by_time(one: int, other: int) -> None:
    first, second = (ids.event_id("contoso", "ual", "same", time) for time in sorted((one, other)))

    assert first.bytes <= second.bytes


@given(st.text(), st.text(), st.text())
def test_the_same_record_has_the_same_id_and_another_record_another_one(tenant: str, family: str, record: str) -> None:
    identity = ids.event_id(tenant, family, record, 1)

    assert identity == ids.event_id(tenant, family, record, 1)
    assert identity != ids.event_id(tenant, family, record + "x", 1)
    assert identity != ids.event_id(tenant + "x", family, record, 1)


def test_parts_of_an_id_cannot_run_into_each_other() -> None:
    assert ids.event_id("a", "bc", "d", 1) != ids.event_id("ab", "c", "d", 1)


@pytest.mark.parametrize("time", [-1, 2**48, 2**63])
def test_a_time_beyond_what_an_id_holds_is_clamped(time: int) -> None:
    assert ids.event_id("t", "ual", "x", time).version == 8


def test_the_lowest_id_of_a_moment_bounds_its_events() -> None:
    before = ids.event_id("t", "ual", "x", ids.to_ms(NOW) - 1)
    at = ids.event_id("t", "ual", "x", ids.to_ms(NOW))

    assert before.bytes < ids.lowest_id(NOW).bytes <= at.bytes


def test_a_raw_page_survives_its_headers() -> None:
    page = RawPage("contoso", "graph-signins", "contoso/slice", NOW, b"[]")

    assert RawPage.from_message(page.subject, page.headers(), b"[]") == page


def test_a_raw_page_that_lay_aside_says_so() -> None:
    page = RawPage("contoso", "graph-signins", "contoso/slice", NOW, b"[]", delayed=True)

    assert RawPage.from_message(page.subject, page.headers(), b"[]") == page


@each(
    ("late", "of_before", "timed"),
    [
        (timedelta(), {}, timedelta()),
        (timedelta(minutes=5), {}, timedelta()),
        (timedelta(minutes=6), {}, timedelta(minutes=6)),
        (timedelta(seconds=-1), {}, timedelta(seconds=-1)),
        (timedelta(days=30), {"delayed": True}, timedelta()),
        (timedelta(days=30), {"sequence": 7}, timedelta()),
        (timedelta(days=30), {"page_before": "a" * 32}, timedelta()),
        (timedelta(days=-3), {"delayed": True}, timedelta(days=-3)),
    ],
)
def test_11_a_page_was_fetched_when_the_bus_bears_it_out(late, of_before, timed) -> None:
    page = RawPage("contoso", "graph-signins", "contoso/slice", NOW, b"[]", **of_before)

    assert page.timed(NOW + late).fetched_at == NOW + timed
    assert page.timed(NOW + late).id == page.id


@each("missing", ["Aoc-Tenant", "Aoc-Source", "Aoc-Slice", "Aoc-Fetched-At"])
def test_a_raw_page_without_a_header_names_it(missing: str) -> None:
    headers = RawPage("contoso", "graph-signins", "contoso/slice", NOW, b"[]").headers()
    del headers[missing]

    with pytest.raises(Malformed, match=missing):
        RawPage.from_message(SUBJECT, headers, b"[]")


@pytest.mark.parametrize("time", ["yesterday", "2026-11-23T08:00:00", ""])
def test_a_raw_page_with_an_unreadable_time_is_refused(time: str) -> None:
    headers = RawPage("contoso", "graph-signins", "contoso/slice", NOW, b"[]").headers() | {"Aoc-Fetched-At": time}

    with pytest.raises(Malformed, match="Aoc-Fetched-At"):
        RawPage.from_message(SUBJECT, headers, b"[]")


@each(
    "subject",
    [
        subjects.raw("fabrikam", "graph-signins"),
        subjects.raw("contoso", "graph-intune"),
        SUBJECT.replace(f".{subjects.partition('contoso', 'graph-signins')}.", ".99."),
        "aoc.raw.contoso.graph-signins",
        "aoc.raw.>",
    ],
)
def test_15_the_tenant_of_a_page_is_its_subject_s_and_a_header_that_says_otherwise_is_refused(subject: str) -> None:
    headers = RawPage("contoso", "graph-signins", "contoso/slice", NOW, b"[]").headers()

    with pytest.raises(Malformed, match="raw page"):
        RawPage.from_message(subject, headers, b"[]")


def test_15_a_page_cannot_name_the_slice_of_another_tenant() -> None:
    headers = RawPage("contoso", "graph-signins", "fabrikam/slice", NOW, b"[]").headers()

    with pytest.raises(Malformed, match="another tenant"):
        RawPage.from_message(SUBJECT, headers, b"[]")


def test_a_page_cannot_name_the_slice_of_another_source() -> None:
    """Who may import only could have put pages into the account of what is collected."""
    headers = RawPage("contoso", "graph-signins", "contoso/o365-exchange/a..b", NOW, b"[]").headers()

    with pytest.raises(Malformed, match="another source"):
        RawPage.from_message(SUBJECT, headers, b"[]")


def test_the_same_page_of_another_slice_is_another_message() -> None:
    one = RawPage("contoso", "graph-signins", "contoso/slice-1", NOW, b"[]").headers()["Nats-Msg-Id"]
    other = RawPage("contoso", "graph-signins", "contoso/slice-2", NOW, b"[]").headers()["Nats-Msg-Id"]

    assert one != other


@each("kind", [CollectJob, DirectoryJob, PollJob, SubscriptionJob, BackfillJob])
def test_every_example_of_a_job_is_a_job(kind: Any) -> None:
    for example in kind.model_json_schema()["examples"]:
        job = kind.model_validate(example)

        assert kind.model_validate_json(job.model_dump_json()) == job
        assert job.subject.startswith("aoc.jobs.")


@each("change", [{"end": NOW}, {"start": NOW.replace(tzinfo=None)}, {"tenant": "a.b"}, {"more": 1}])
def test_a_job_that_makes_no_sense_is_refused(change: dict[str, object]) -> None:
    good = {"tenant": "contoso", "source": "graph-signins", "start": NOW, "end": NOW + timedelta(minutes=5)}

    with pytest.raises(ValidationError):
        CollectJob.model_validate(good | change)


def test_a_message_says_which_version_of_its_event_it_is() -> None:
    event = PackedEvent(UUID(int=7), "contoso", "graph-signins", 1, 3002, "Sign-in", b"", b"", 0, "")

    first, later = (EventMessage.of(event, one, None).headers() for one in (None, Version(3, "d" * 32)))

    assert (first["Aoc-Version"], later["Aoc-Version"]) == ("1", "3")
    assert (first["Nats-Msg-Id"], later["Nats-Msg-Id"]) == (str(event.id), f"{event.id}:{'d' * 32}")
