"""What is made of a record is bounded, tagged when it was cut, and can always be published."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import bson
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aoc_common.bus.limits import MIN_MESSAGE_BYTES
from aoc_common.bus.publish import Outgoing
from aoc_common.contracts.directory import Entity
from aoc_common.contracts.event import Event
from aoc_common.contracts.terms import MAX_TOKEN
from aoc_common.store.mongo.client import CODEC
from aoc_common.store.mongo.events import to_document
from aoc_normalizer import bounds
from aoc_normalizer.enrich.lookup import EnrichmentData, nowhere
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext, Rejected
from aoc_normalizer.write import comparison
from aoc_normalizer.write.message_size import HEADER, fit
from each import each
from remembering import always, by_key

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
CONTEXT = RecordContext("contoso", "import", NOW)
#: What an event can be beyond its record: its OCSF part, some of it again as BSON, terms and facets.
BEYOND = 2 * bounds.EVENT
DOCUMENT = 16 * 1024 * 1024
LEAVES = {f"leaf{number}": number for number in range(100)}
NOUGHTS = dict.fromkeys(LEAVES, -1)
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad"


def audit(**more: Any) -> dict[str, Any]:
    """A directory change of the unified log."""
    return {
        "Id": "r1",
        "CreationTime": "2026-11-23T07:30:00",
        "Operation": "Update user.",
        "RecordType": 8,
        "Workload": "AzureActiveDirectory",
        "UserId": "dana@contoso.example",
        "ObjectId": "sam@contoso.example",
        **more,
    }


def graph(**more: Any) -> dict[str, Any]:
    """A directory change as Graph lists it."""
    return {
        "id": "g1",
        "activityDateTime": "2026-11-23T07:30:00Z",
        "activityDisplayName": "Update user",
        "initiatedBy": {"user": {"id": "d", "userPrincipalName": "dana@contoso.example"}},
        "targetResources": [],
        **more,
    }


def in_strings(value: Any, times: int) -> str:
    text = json.dumps(value)
    for _ in range(times):
        text = json.dumps([text])
    return text


def changed(name: str, old: Any, new: Any) -> dict[str, Any]:
    return {"Name": name, "OldValue": old, "NewValue": new}


LONG = "n" * 43_000


@pytest.fixture(scope="module")
def hostile() -> dict[str, dict[str, Any]]:
    """What made, or could make, much of little."""
    return {
        "a long name with 100 leaves": audit(
            ModifiedProperties=[changed("p", json.dumps({LONG: NOUGHTS}), json.dumps({LONG: LEAVES}))]
        ),
        "long names within one another": audit(
            ModifiedProperties=[changed("p", "{}", json.dumps({LONG: {LONG[:9000]: {LONG[:9000]: LEAVES}}}))]
        ),
        "one long name in 200 properties of 100 leaves": audit(
            ModifiedProperties=[changed(f"{'p' * 3000}{n}", "{}", json.dumps(LEAVES)) for n in range(200)]
        ),
        "long values in long lists": audit(
            ModifiedProperties=[changed(f"p{n}", json.dumps(["o" * 900] * 50), ["w" * 900] * 50) for n in range(60)]
        ),
        "JSON in strings in strings": audit(ModifiedProperties=[changed("p", "", in_strings(["deep"] * 20, 12))]),
        "lists of lists": audit(ModifiedProperties=[changed("p", [], [[[[n] * 20] * 20] * 20 for n in range(4)])]),
        "100,000 properties": audit(**{f"p{n}": n for n in range(100_000)}),
        "100,000 objects that nobody knows": {"when": "2026-11-23T07:30:00Z"} | {f"p{n}": {} for n in range(100_000)},
        "100,000 changed properties": audit(ModifiedProperties=[changed(f"p{n}", "", "x") for n in range(100_000)]),
        "100,000 targets": graph(targetResources=[{"id": f"t{n}", "type": "User"} for n in range(100_000)]),
        "500 targets of 200 changes": graph(
            targetResources=[
                {"id": f"t{n}", "modifiedProperties": [{"displayName": f"p{m}", "newValue": "1"} for m in range(200)]}
                for n in range(500)
            ]
        ),
        "names that nobody sees": audit(ModifiedProperties=[changed(INVISIBLE * 500, "{}", json.dumps(LEAVES))]),
        "long parameters": {
            **audit(Workload="Exchange", RecordType=1, Operation="Set-Mailbox"),
            "Parameters": [{"Name": f"{'n' * 2000}{n}", "Value": "\x01" * 2000} for n in range(300)],
        },
        "long search words": {
            **audit(Workload="Exchange", RecordType=50, Operation="MailItemsAccessed"),
            "Folders": [
                {"Id": f"{n}" * 900, "FolderItems": [{"InternetMessageId": f"<{n}@x>"}] * 60} for n in range(90)
            ],
        },
        "huge numbers": audit(ModifiedProperties=[changed("p", "1" * 300, 10**400)], Size=1e308, More=-(10**30)),
        "policies with many controls": {
            "id": "s1",
            "createdDateTime": "2026-11-23T07:30:00Z",
            "appId": "a",
            "status": {"errorCode": 0},
            "appliedConditionalAccessPolicies": [
                {"displayName": "p" * 2000, "result": "success", "enforcedGrantControls": ["mfa" * 30] * 500}
            ]
            * 100,
        },
        "a large rest": audit(Rest="x" * 5_000_000),
        "numbers that are written longer": audit(Numbers=[1e15] * 10) | {"More": {"n": [9007199254740991.0] * 200_000}},
    }


def sized(event: Event) -> tuple[int, int]:
    """Bytes of the OCSF part, and of the stored document."""
    document = bson.encode(to_document(event, "page", NOW, timedelta(days=365)), codec_options=CODEC)
    return len(orjson.dumps(event.ocsf)), len(document)


def published(event: Event, limit: int) -> Outgoing:
    headers = {"Nats-Msg-Id": str(event.id), "Aoc-Tenant": "contoso", "Aoc-Source": "import"}
    return fit(Outgoing("aoc.events.contoso.import.6003", event.message(), headers), limit)


def check(raw: bytes, faults: Any = None) -> Event:
    """All that holds of any record that becomes an event."""
    event = normalise(raw, CONTEXT)
    assert isinstance(event, Event)
    ocsf, document = sized(event)
    assert ocsf <= bounds.EVENT
    assert len(orjson.dumps(event.unmapped)) <= bounds.UNMAPPED
    assert document <= len(raw) * 2 + BEYOND
    assert document < DOCUMENT
    assert len(event.terms) <= bounds.TERMS
    assert max(map(len, event.terms), default=0) <= MAX_TOKEN
    for limit in (1024 * 1024, MIN_MESSAGE_BYTES):
        assert published(event, limit).size <= limit
    # Whole, but for what no UTF-8 can hold.
    assert event.raw == raw.decode("utf-8", "replace")
    if faults is not None:
        assert faults(orjson.loads(published(event, MIN_MESSAGE_BYTES).body)) == []
        assert faults(orjson.loads(event.message())) == []
    return event


@pytest.mark.slow
def test_what_is_made_of_a_record_is_bounded_whatever_it_holds(hostile, schema_faults: Any) -> None:
    for kind, record in hostile.items():
        try:
            check(json.dumps(record).encode(), schema_faults)
        except AssertionError as error:
            error.add_note(kind)
            raise


@pytest.mark.slow
@each(
    ("kind", "tag"),
    [
        ("a long name with 100 leaves", "cut-name"),
        ("long values in long lists", "cut-event"),
        ("100,000 changed properties", "truncated"),
        ("100,000 targets", "truncated"),
        ("long parameters", "cut-text"),
        ("a large rest", "cut-unmapped"),
    ],
)
def test_what_was_cut_is_marked_by_a_tag_of_the_event_also_where_it_is_published(hostile, kind: str, tag: str) -> None:
    event = check(json.dumps(hostile[kind]).encode())

    assert tag in event.tags
    assert orjson.loads(published(event, MIN_MESSAGE_BYTES).body)["metadata"]["labels"] == list(event.tags)


@pytest.mark.slow
def test_what_the_directory_holds_of_the_actor_outlasts_every_cut(hostile) -> None:
    admin = Entity("00000001-aaaa-4bbb-8ccc-000000000000", "user", "Dana", "dana@contoso.example", privileged=True)
    record = hostile["long values in long lists"] | {"UserId": "dana@contoso.example"}
    event = normalise(json.dumps(record).encode(), CONTEXT, EnrichmentData(by_key(always(admin)), nowhere))

    assert isinstance(event, Event)
    assert "cut-event" in event.tags
    assert [one["data"]["privileged"] for one in event.ocsf["enrichments"] if one["type"] == "directory"] == [True]
    assert sized(event)[0] <= bounds.EVENT


def test_a_record_of_89_kb_becomes_no_message_of_megabytes(hostile) -> None:
    raw = json.dumps(hostile["a long name with 100 leaves"]).encode()
    event = check(raw)

    changes = event.ocsf["api"]["request"]["data"]["changes"]
    assert len(raw) < 90_000
    assert len(event.message()) < 3 * len(raw)
    assert len(changes) == 100
    assert len({change["name"] for change in changes}) == 100
    assert max(len(change["name"]) for change in changes) <= bounds.NAME
    assert [change["new"] for change in changes] == list(range(100))


def test_two_long_names_that_differ_at_their_end_stay_two(schema_faults: Any) -> None:
    event = check(json.dumps(audit(ModifiedProperties=[changed("p", "{}", {LONG + "a": 1, LONG + "b": 2})])).encode())

    assert len({change["name"] for change in event.ocsf["api"]["request"]["data"]["changes"]}) == 2


def test_what_is_small_is_not_cut_and_not_tagged() -> None:
    assert check(json.dumps(audit(ModifiedProperties=[changed("Department", "Sales", "Legal")])).encode()).tags == ()


@pytest.mark.slow
def test_the_shortest_form_is_a_stub_that_any_server_takes(hostile, schema_faults: Any) -> None:
    for kind, record in hostile.items():
        event = normalise(json.dumps(record).encode(), CONTEXT)
        assert isinstance(event, Event)
        stub = published(event, 8 * 1024)

        assert stub.size <= 8 * 1024, kind
        assert orjson.loads(stub.body)["type_uid"] == event.ocsf["type_uid"]
        assert HEADER in stub.headers or orjson.loads(stub.body)["raw_data"] == event.raw
        assert schema_faults(orjson.loads(stub.body)) == []


@pytest.mark.slow
@each(
    "grown",
    [
        lambda n: audit(ModifiedProperties=[changed("n" * n, "{}", json.dumps({f"l{m}": m for m in range(n // 10)}))]),
        lambda n: audit(**{f"p{m}": {"q": [m]} for m in range(n // 10)}),
        lambda n: {f"p{m}": {"q": [m]} for m in range(n // 10)},
        lambda n: audit(ModifiedProperties=[changed("p", "", in_strings({"a": "x" * n}, 4))]),
        lambda n: graph(targetResources=[{"id": f"t{m}", "displayName": "x" * 40} for m in range(n // 40)]),
    ],
)
def test_the_cost_grows_with_the_record_and_not_with_its_square(grown: Any) -> None:
    def seconds(size: int) -> tuple[int, float]:
        raw = json.dumps(grown(size)).encode()
        best = float("inf")
        for _ in range(3):
            started = time.process_time()
            normalise(raw, CONTEXT)
            best = min(best, time.process_time() - started)
        return len(raw), best

    small, little = seconds(20_000)
    large, much = seconds(320_000)

    # Of twice the exponent it would be `large / small` times as much again.
    assert much / little < 5 * large / small


texts = st.one_of(
    st.text(max_size=40), st.just(INVISIBLE * 20), st.just("x" * 1100), st.just("\ud800"), st.just("<null>")
)
numbers = st.one_of(st.integers(), st.integers(-(10**40), 10**40), st.floats(allow_nan=False, allow_infinity=False))
leaves = st.one_of(st.none(), st.booleans(), numbers, texts, st.builds(lambda text: [text] * 80, texts))
inside = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=6),
        st.dictionaries(texts, inner, max_size=6),
        st.builds(in_strings, inner, st.integers(0, 3)),
    ),
    max_leaves=20,
)
fields = st.sampled_from(
    ["ModifiedProperties", "Parameters", "ExtendedProperties", "Actor", "Target", "Members", "Folders", "ObjectId",
     "UserId", "Operation", "Id", "CreationTime", "targetResources", "initiatedBy", "id", "evidence", "properties",
     "AuditData", "DeviceProperties", "AppAccessContext", "Item", "PolicyDetails", "status", "Workload", "unknown"]
)  # fmt: skip
properties = st.lists(st.builds(changed, texts, inside, inside), max_size=4)
records = st.builds(
    lambda base, more: base | more,
    st.sampled_from([audit(), graph(), {}]),
    st.dictionaries(fields, st.one_of(inside, properties), max_size=3),
)


@pytest.mark.slow
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(records)
def test_any_record_is_bounded_published_tagged_and_whole(record: dict[str, Any]) -> None:
    raw = json.dumps(record).encode()

    if not isinstance(normalise(raw, CONTEXT), Rejected):
        check(raw)


def test_two_texts_that_differ_only_in_what_was_cut_are_two_versions() -> None:
    def said(name: str) -> Any:
        return comparison.state_of(json.dumps(audit(ObjectId="o" * 3000 + name)), CONTEXT)

    assert said("a").content == said("a").content
    assert said("a").content != said("b").content
    assert said("a").digest != said("b").digest
