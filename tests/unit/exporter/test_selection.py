"""Which entries a sink sends, and what it changes of them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from aoc_common.contracts import sinks
from aoc_common.contracts.sinks import read_sink
from aoc_common.errors import BadConfiguration
from aoc_exporter.destinations import KINDS, delivered, make, options_of, target_of
from aoc_exporter.formats import FORMATS
from aoc_exporter.selection import Choice, tenants_of
from aoc_exporter.settings import ExportSettings
from aoc_exporter.sinks_file import read_text
from certificates import pair
from each import each
from manual_clock import ManualClock
from replica import NOW
from siem_entries import entry

HOUR_MS = 3_600_000


def choice(groups=None, **settings):
    return Choice(read_sink({"name": "siem", "kind": "otlp", **settings}), groups or {})


def goes(settings, number=1, groups=None, **changes) -> bool:
    made = replace(entry(number), **changes)
    return choice(groups, **settings).of(made, made.time_ms) is not None


def test_kinds_and_formats_are_those_that_there_are() -> None:
    assert set(sinks.KINDS) == KINDS.keys()
    assert set(sinks.FORMATS) == FORMATS.keys()


@each(
    ("settings", "wanted"),
    [
        ({}, True),
        ({"include": {"tenants": ["contoso"]}}, True),
        ({"include": {"tenants": ["fabrikam"]}}, False),
        ({"include": {"groups": ["gold"]}}, True),
        ({"include": {"groups": ["nobody"]}}, False),
        ({"include": {"sources": ["graph-signins"], "classes": [3002]}}, True),
        ({"include": {"sources": ["graph-signins"], "classes": [3004]}}, False),
        ({"include": {"operations": ["sign*"]}}, True),
        ({"include": {"operations": ["Sign?in", "[a-z]*"]}}, False),
        ({"include": {"severities": [4]}}, True),
        ({"include": {"severities": [1]}}, False),
        ({"exclude": [{"tenants": ["contoso"], "operations": ["none"]}]}, True),
        ({"exclude": [{"operations": ["none"]}, {"groups": ["gold"]}]}, False),
    ],
)
def test_an_entry_goes_when_all_that_is_asked_for_is_so(settings, wanted) -> None:
    body = json.dumps({"severity_id": 4, "metadata": {}}).encode()
    changes = {"operation": "Sign-in", "source": "graph-signins", "class_uid": 3002, "body": body, "tenant": "contoso"}

    assert goes(settings, groups={"contoso": frozenset({"gold"})}, **changes) is wanted


def test_what_came_long_after_it_had_happened_is_marked_or_held_back() -> None:
    old = replace(entry(1), body=json.dumps({"metadata": {"processed_time": entry(1).time_ms + 30 * HOUR_MS}}).encode())
    quick = replace(entry(1), body=json.dumps({"metadata": {"processed_time": entry(1).time_ms + HOUR_MS}}).encode())
    now = old.time_ms + 100 * HOUR_MS

    assert choice().of(old, now).retrospective
    assert json.loads(choice().of(old, now).mark())["retrospective"] is True
    assert not choice().of(quick, now).retrospective
    assert choice(retrospective="hold").of(old, now) is None
    assert choice(retrospective="hold").of(quick, now) is not None


def test_a_redacted_value_stands_nowhere_else_and_a_hash_is_the_same_for_the_same_value() -> None:
    event = {
        "actor": {"user": {"email_addr": "dana@contoso.example", "name": "Dana Reyes"}},
        "message": "DANA@contoso.example signed in as Dana Reyes",
        "observables": [{"value": "dana@contoso.example"}, {"value": "203.0.113.7"}],
        "src_endpoint": {"ip": "203.0.113.7"},
        "raw_data": '{"user":"dana@contoso.example"}',
        "metadata": {},
    }
    redact = [
        {"field": "actor.user.email_addr", "how": "hash"},
        {"field": "actor.user.name"},
        {"field": "src_endpoint.ip", "how": "truncate", "length": 6},
    ]
    chosen = choice(redact=redact, redaction_key="env:AOC_SINK_KEY")
    chosen.use_key(b"key")
    made = replace(entry(1), body=json.dumps(event).encode())
    text = chosen.of(made, made.time_ms).body.decode()
    sent = json.loads(text)

    assert "dana" not in text.lower()
    assert "Reyes" not in text
    assert "203.0.113.7" not in text
    assert sent["actor"]["user"]["email_addr"] == sent["observables"][0]["value"]
    assert sent["src_endpoint"]["ip"] == "203.0."
    assert made.event == event  # what others send is unchanged


def redacted(event: dict, *redact: dict) -> dict:
    chosen = choice(redact=redact, redaction_key="env:AOC_SINK_KEY")
    chosen.use_key(b"key")
    made = replace(entry(1), body=json.dumps(event).encode())
    return json.loads(chosen.of(made, made.time_ms).body)


@each("how", ["drop", "hash", "truncate"])
def test_a_redacted_value_is_found_in_whatever_spelling_a_text_has_it(how: str) -> None:
    name = 'CONTOSO\\zoë "z"'
    spelt = [
        json.dumps(name), json.dumps(name, ensure_ascii=False), json.dumps({"inner": json.dumps({"user": name})}),
        "https://files.example/" + quote(name, safe=""), quote(name), name.upper(),
    ]  # fmt: skip
    event = {"actor": {"user": {"name": name}}, "unmapped": {"texts": spelt}}
    text = json.dumps(redacted(event, {"field": "actor.user.name", "how": how}), ensure_ascii=False).lower()

    assert not any(part in text for part in ("zoë", "zo%c3%ab", "u00eb"))


@each("how", ["drop", "hash", "truncate"])
def test_what_is_no_text_is_dropped_whatever_is_asked_for(how: str) -> None:
    event = {"unmapped": {"badge": 4711, "more": {"pin": [1, "secret", True], "open": "x"}}, "severity_id": 1}
    sent = redacted(event, {"field": "unmapped.badge", "how": how}, {"field": "unmapped.more", "how": how})

    assert not any(part in json.dumps(sent) for part in ("4711", "secret", "true"))
    assert sent["severity_id"] == 1


def test_what_an_alert_is_about_is_redacted_by_the_same_path() -> None:
    alert = {
        "evidences": [{"actor": {"user": {"email_addr": "dana@contoso.example"}}}, {"src_endpoint": {}}],
        "message": "Inbox rule: 1 event of dana@contoso.example",
        "unmapped": {"group": [{"field": "actor", "value": "Dana@contoso.example"}]},
    }
    sent = redacted(alert, {"field": "actor.user.email_addr"})

    assert sent["evidences"] == [{"actor": {"user": {}}}, {"src_endpoint": {}}]
    assert "dana" not in json.dumps(sent).lower()


def test_tenants_have_options_of_their_own() -> None:
    sink = read_sink(
        {
            "name": "siem", "kind": "splunk",
            "options": {"url": "https://s", "token": "file:/x/{tenant}", "index": "a"},
            "per_tenant": {"fabrikam": {"index": "b"}}, "include": {"groups": ["gold"], "tenants": ["fabrikam"]},
        }
    )  # fmt: skip

    assert options_of(sink, "contoso")["token"] == "file:/x/contoso"
    assert options_of(sink, "fabrikam") == {"url": "https://s", "token": "file:/x/fabrikam", "index": "b"}
    assert target_of(sink, "contoso") != target_of(sink, "tailspin")
    assert tenants_of(sink, {"contoso": frozenset({"gold"})}) == {"contoso", "fabrikam"}
    assert tenants_of(read_sink({"name": "s", "kind": "otlp"}), {}) is None


@each(
    ("kind", "options", "means"),
    [
        ("splunk", {}, "accepted"), ("splunk", {"acknowledgements": True}, "stored"), ("elastic", {}, "stored"),
        ("sentinel", {}, "accepted"), ("otlp", {}, "accepted"), ("webhook", {}, "accepted"), ("syslog", {}, "sent"),
        ("folder", {}, "stored"), ("security-lake", {}, "stored"),
    ],
)  # fmt: skip
def test_it_is_known_what_delivered_means_for_each_of_a_sinks_tenants(kind, options, means) -> None:
    sink = {"name": "siem", "kind": kind, "options": options}

    assert delivered(read_sink(sink)) == means
    if options:
        assert delivered(read_sink({**sink, "per_tenant": {"fabrikam": {"acknowledgements": False}}})) == "accepted"


@each(
    ("kind", "options", "words"),
    [
        ("otlp", {"url": "https://s", "headers": {"a": "secret-token"}}, "options.headers.a: must be a reference"),
        ("otlp", {"url": "https://s", "headers": {"a": "env:AOC_MONGO__URI"}}, "begin with AOC_SINK_"),
        ("otlp", {"url": "https://s", "http": {"proxy": "http://u:secret-token@p"}}, "must be a reference"),
        ("otlp", {"url": "https://s", "http": {"tls": {"client_key": "/etc/shadow", "ca_file": "/etc/x"}}}, "/etc"),
        ("folder", {"path": "/etc"}, "AOC_EXPORT__FOLDERS"),
        ("folder", {"path": "/run/secrets/../../etc"}, "AOC_EXPORT__FOLDERS"),
        ("syslog", {"host": "h", "allowed_networks": ["10.0.0.0/8"]}, "the operator's"),
        ("splunk", {"token": "file:/run/secrets/none"}, "No such file"),
        ("splunk", {"token": "file:/run/secrets/../passwd"}, "SECRET_DIRECTORIES"),
    ],
)
def test_settings_that_cannot_or_may_not_be_are_refused_without_a_secret(kind, options, words) -> None:
    sink = read_sink({"name": "siem", "kind": kind, "options": options})
    with pytest.raises(BadConfiguration, match=words) as refused:
        make(sink, "contoso", ExportSettings(), ManualClock(NOW))

    assert "secret-token" not in str(refused.value)


@each(
    ("text", "words"),
    [
        ("sinks: [", "no YAML in line 1"),
        ("- name: a", "expected `sinks:`"),
        ("sinks: [{name: A, kind: otlp}]", "sink A, name: String should match"),
        ("sinks: [{name: a, kind: fax}]", "sink a: kind: 'fax' is none of"),
        ("sinks: [{name: a, kind: otlp, colour: red}]", "sink a, colour: there is no such field"),
        ("sinks: [{name: a, kind: otlp}, {name: a, kind: otlp}]", "sink a is there twice"),
        ("sinks: [{name: a, kind: otlp, format: raw, redact: [{field: actor}]}]", "raw"),
        ("sinks: [{name: a, kind: otlp, format: elastic, redact: [{field: actor}]}]", "elastic"),
        ("sinks: [{name: a, kind: otlp, redact: [{field: actor, how: hash}]}]", "redaction_key"),
        ("sinks: !!python/object/apply:os.system ['true']", "no YAML"),
    ],
)
def test_a_sinks_file_that_is_wrong_is_one_line_that_names_sink_and_field(text, words) -> None:
    with pytest.raises(BadConfiguration) as refused:
        read_text(text.encode(), "AOC_SINKS_FILE: sinks.yaml")

    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert str(refused.value).startswith("AOC_SINKS_FILE: sinks.yaml: ")


HOWTO = Path(__file__).parents[3] / "docs" / "howto"


@pytest.mark.parametrize("page", ["add-a-sink.md", *sorted(f"sinks/{one.name}" for one in HOWTO.glob("sinks/*.md"))])
def test_the_sinks_of_the_how_to_pages_can_be_made(page, tmp_path) -> None:
    for name, text in {"hec": "t", "hec-contoso": "t", "sentinel": "t", "elastic": "t", "otlp": "t"}.items():
        (tmp_path / name).write_text(text)
    for name in ("aws-key", "aws-secret", "minio-key", "minio-secret", "gcs-key", "gcs-secret", "azure", "sas"):
        (tmp_path / name).write_text("sig=t")
    (tmp_path / "hook").write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    for name in ("ca.pem", "minio-ca.pem"):
        (tmp_path / name).write_bytes(pair("syslog.example")[0])
    text = (HOWTO / page).read_text("utf-8").replace("/run/secrets", str(tmp_path))
    blocks = re.findall(r"```yaml\n(.*?)```", text.replace("/var/lib/aoc/exports", str(tmp_path)), re.DOTALL)
    allowed = ExportSettings(secret_directories=(tmp_path,), folders=(tmp_path,))
    sinks = [sink for block in blocks for sink in read_text(block.encode(), page)]
    for sink in sinks:
        if sink.kind == "security-lake":
            pytest.importorskip("pyarrow")
        make(sink, "contoso", allowed, ManualClock(NOW))

    assert sinks
