"""The table of messages is true: of subjects, of headers, and of what is published where."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from inspect import isfunction, signature
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from aoc_cli import asyncapi
from aoc_common.bus.dead_letters import copy_of, dead_letter
from aoc_common.bus.streams import declarations
from aoc_common.contracts import subjects
from aoc_common.contracts.beats import Beat
from aoc_common.contracts.event_message import EventMessage
from aoc_common.contracts.jobs import (
    BackfillJob,
    CheckJob,
    CollectJob,
    DecisionJob,
    DirectoryJob,
    ExportJob,
    NotificationJob,
    NotifyJob,
    PollJob,
    SinkJob,
    SubscriptionJob,
)
from aoc_common.contracts.messages import DEAD_LETTER, EVENT, MESSAGES, PLACEHOLDERS, RAW_PAGE
from aoc_common.contracts.raw import RawPage
from aoc_common.settings import NatsSettings
from each import each

if TYPE_CHECKING:
    from aoc_common.contracts.jobs import Job
    from aoc_common.contracts.messages import MessageType

NOW = datetime(2026, 11, 26, 8, tzinfo=UTC)
PAGE = RawPage("contoso", "o365-exchange", "contoso/o365-exchange/1", NOW, b"[]")
JOBS: dict[str, Job] = {
    "collect job": CollectJob(tenant="contoso", source="graph-signins", start=NOW, end=NOW.replace(hour=9)),
    "backlog job": CollectJob(tenant="a", source="graph-signins", start=NOW, end=NOW.replace(hour=9), stretch="s"),
    "poll job": PollJob(tenant="contoso", source="o365-exchange"),
    "backfill job": BackfillJob(tenant="contoso", source="o365-dlp", start=NOW, end=NOW.replace(hour=9)),
    "directory job": DirectoryJob(tenant="contoso"),
    "subscription job": SubscriptionJob(tenant="contoso"),
    "check job": CheckJob(tenant="contoso", ticket="a" * 32, settings={}),
    "decision job": DecisionJob(
        tenant="contoso", queue="quarantine", decision="retry", keys=("k",), asked_at=NOW, who="kim", why=""
    ),
    "sink job": SinkJob(what="test", sink="splunk", ticket="a" * 32),
    "notification job": NotificationJob(what="test", route="on-call", ticket="a" * 32),
    "notify job": NotifyJob(tenant="contoso", route="on-call", alert="0193554f-0800-8000-8000-000000000001"),
    "export job": ExportJob(tenant="contoso", sink="splunk", event="0193554f-0800-8000-8000-000000000001", revision=1),
}
#: Functions of `subjects` that make no subject of one message.
NO_MAKERS = {"check_tenant", "_token", "partition", "raw_of_partition", "owner", "raw_of_tenant", "tenant_and_source",
             "marks_of", "tenant_of_message", "crc32"}  # fmt: skip
SUBJECTS = {
    **{name: job.subject for name, job in JOBS.items()},
    "raw page": PAGE.subject,
    "event": subjects.events("contoso", "o365-exchange", 3002),
    "mark": subjects.mark("p" * 32, 0),
    "dead letter": subjects.dead_letter("normalizer", "contoso"),
    "heartbeat": subjects.beat("normalizer", "host-1"),
    "alert": subjects.alerts("contoso", "high"),
    "audit entry": subjects.audit("contoso"),
    "tenant change": subjects.tenant_change("contoso"),
}


def matches(pattern: str, subject: str) -> bool:
    """As NATS does: `*` is one token, `>` the rest."""
    regex = re.escape(pattern).replace(r"\*", r"[^.]+").replace(">", ".+")
    return re.fullmatch(regex, subject) is not None


@each("kind", MESSAGES, ids=lambda kind: kind.name)
def test_a_kind_of_message_is_published_at_its_address_and_taken_by_its_stream_alone(kind: MessageType) -> None:
    subject = SUBJECTS[kind.name]
    address = re.sub(r"\\{\w+\\}", "[^.]+", re.escape(kind.address))
    takers = [
        name
        for name, config in declarations(NatsSettings()).items()
        if any(matches(pattern, subject) for pattern in config.subjects or ())
    ]

    assert re.fullmatch(address, subject)
    assert takers == ([] if kind.stream is None else [kind.stream])
    assert set(re.findall(r"{(\w+)}", kind.address)) <= PLACEHOLDERS.keys()


def test_what_every_stream_holds_is_in_the_table() -> None:
    kept = {kind.stream for kind in MESSAGES if kind.stream is not None}

    assert kept == declarations(NatsSettings()).keys()


def test_every_subject_that_there_is_has_a_kind_of_message() -> None:
    patterns = {value for name, value in vars(subjects).items() if name.startswith("ALL_")} - {subjects.ALL_JOBS}
    described = {pattern for pattern in patterns for subject in SUBJECTS.values() if matches(pattern, subject)}

    assert SUBJECTS.keys() == {kind.name for kind in MESSAGES}
    assert patterns == described


def test_every_function_that_makes_a_subject_makes_one_of_those() -> None:
    patterns = [value for name, value in vars(subjects).items() if name.startswith("ALL_")]
    arguments = {"class_uid": 3002, "number": 0}
    makers = [one for one in vars(subjects).values() if isfunction(one) and one.__name__ not in NO_MAKERS]
    made = {
        maker.__name__: maker(**{name: arguments.get(name, "a1") for name in signature(maker).parameters})
        for maker in makers
    }

    assert made.keys() >= {"raw", "events", "tenant_change", "check_job"}
    assert [name for name, subject in made.items() if not any(matches(one, subject) for one in patterns)] == []


@each("name", JOBS)
def test_the_job_of_a_kind_is_of_the_model_that_the_table_names(name: str) -> None:
    [kind] = [kind for kind in MESSAGES if kind.name == name]

    assert kind.body is type(JOBS[name])


def test_a_raw_page_has_the_headers_of_the_table() -> None:
    every = replace(PAGE, behind=True, delayed=True, sequence=7).headers()

    assert set(PAGE.headers()) == set(RAW_PAGE.headers)
    assert set(every) <= {*RAW_PAGE.headers, *RAW_PAGE.maybe}


def test_an_event_has_the_headers_of_the_table() -> None:
    first = EventMessage(UUID(int=1), "contoso", "o365-dlp", 6003, "x", 1, None, None, None, b"{}")
    every = replace(first, version=2, digest="d", twin_of=UUID(int=2), adds="version", truncated=True,
                    service="exchange", understood=False)  # fmt: skip

    assert set(first.headers()) == set(EVENT.headers)
    assert set(every.headers()) == {*EVENT.headers, *EVENT.maybe} - {"traceparent"}


def test_a_dead_letter_has_the_headers_of_the_table_and_those_of_what_it_was() -> None:
    place = SimpleNamespace(stream="AOC_RAW", sequence=SimpleNamespace(stream=7), timestamp=NOW)
    message = SimpleNamespace(subject=PAGE.subject, headers=PAGE.headers(), data=b"[]", metadata=place)
    headers = copy_of(dead_letter("normalizer", cast("Any", message), "no page", NOW)).headers

    assert set(headers) - set(PAGE.headers()) <= {*DEAD_LETTER.headers, *DEAD_LETTER.maybe}
    assert set(DEAD_LETTER.headers) <= set(headers)


def test_the_asyncapi_document_has_a_channel_with_headers_and_body_for_every_kind_of_message() -> None:
    made = json.loads(asyncapi.document("0.1.0"))
    messages = made["components"]["messages"]

    assert made["asyncapi"] == "3.0.0"
    assert {one["address"] for one in made["channels"].values()} == {kind.address for kind in MESSAGES}
    streams = {key: one.get("x-stream") for key, one in made["channels"].items()}
    assert {key for key, stream in streams.items() if stream is None} == {"tenant-change"}
    assert set(streams.values()) - {None} <= made["x-streams"].keys()
    assert all(one["payload"] and one["summary"] for one in messages.values())
    assert set(messages["raw-page:Message"]["headers"]["required"]) == set(PAGE.headers())
    assert messages["heartbeat:Message"]["payload"] == {"$ref": f"#/components/schemas/{Beat.__name__}"}
    assert "ConsumerWork" in made["components"]["schemas"]


def test_every_reference_in_the_asyncapi_document_leads_somewhere() -> None:
    text = (Path(__file__).parents[3] / "docs" / "reference" / "asyncapi.json").read_text("utf-8")
    made = json.loads(text)
    for reference in re.findall(r'"\$ref": "#/([^"]+)"', text):
        place = made
        for name in reference.split("/"):
            place = place[name.replace("~1", "/")]
        assert place
