"""`aoc completeness --check` prints what was signed, and ends with 0 only when a pinned key signed it."""

from __future__ import annotations

import json
import os
import sys
from datetime import timedelta
from types import SimpleNamespace

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from aoc_cli.main import main
from aoc_cli.reports.form import public_bytes, sign
from aoc_cli.reports.statement import VERSION, statement
from aoc_common.contracts.report_keys import PublishedKey, jwk, published_jwk, thumbprint
from aoc_common.store.accounts import Gap, GapCause, SourceAccount
from aoc_common.store.sink_deliveries import SinkDelivery
from reporting import ACCOUNT, AT, BEFORE, GONE, INSTALLATION, OURS, THEIRS, TOLD, pem, public_pem, signed_before

KID, OTHER = thumbprint(public_bytes(OURS)), thumbprint(public_bytes(THEIRS))
#: As `sha256sum` over the key's bytes says: what the version before showed.
SHOWN_BEFORE = "SHA256:NHUPmL1Z/PyUbaRaqr6TO+FUpLUJThxKv0KGZQXzyX4"


@pytest.fixture
def aoc(monkeypatch, capsys, tmp_path):
    """`aoc("--fingerprint", KID, report=...)`: status, stdout and stderr of a check."""
    for name in list(os.environ):
        if name.startswith("AOC_"):
            monkeypatch.delenv(name)

    def run(*options: str, report: bytes = sign(TOLD, OURS)):
        file = tmp_path / "report"
        file.write_bytes(report)
        monkeypatch.setattr(sys, "argv", ["aoc", "completeness", "--check", str(file), *options])
        with pytest.raises(SystemExit) as ended:
            main()
        output = capsys.readouterr()
        return SimpleNamespace(status=ended.value.code, out=output.out, err=output.err)

    return run


@pytest.fixture
def held(tmp_path):
    """`held(text)`: a reference to a file with it."""

    def hold(text: str) -> str:
        file = tmp_path / "key"
        file.write_text(text)
        return f"file:{file}"

    return hold


def published(*keys, retired_at=None) -> str:
    entries = [PublishedKey(thumbprint(public_bytes(key)), public_bytes(key), AT, retired_at) for key in keys]
    return json.dumps({"keys": [published_jwk(entry) for entry in entries]})


@pytest.mark.parametrize("report", [sign(TOLD, OURS), signed_before(BEFORE, OURS)], ids=["jws", "before"])
def test_a_pinned_key_proves_a_report_of_either_form(aoc, report) -> None:
    by_option = aoc("--fingerprint", KID, report=report)
    by_the_print_of_before = aoc("--fingerprint", SHOWN_BEFORE, report=report)
    among_others = aoc("--fingerprint", OTHER, "--fingerprint", KID, report=report)

    assert [item.status for item in (by_option, by_the_print_of_before, among_others)] == [0, 0, 0]
    assert by_option.out.startswith(f"proven: unchanged since it was signed with the pinned key {KID}\n")


@pytest.mark.parametrize("report", [sign(TOLD, OURS), signed_before(BEFORE, OURS)], ids=["jws", "before"])
def test_without_a_pinned_key_nothing_is_proven(aoc, report) -> None:
    result = aoc(report=report)

    assert result.status == 4
    assert result.out.startswith(f"not proven: unchanged since it was signed with key {KID}, but no key is pinned")
    assert "graph-signins" in result.out


@pytest.mark.parametrize("report", [sign(TOLD, OURS), signed_before(BEFORE, OURS)], ids=["jws", "before"])
def test_another_key_than_the_pinned_one_is_named_and_nothing_that_it_signed_is_shown(aoc, report) -> None:
    result = aoc("--fingerprint", OTHER, report=report)

    assert result.status == 3
    assert result.out == f"not proven: signed with another key than is pinned: {KID}\npinned: {OTHER}\n"


def test_a_stranger_s_statement_is_not_even_read(aoc) -> None:
    """It may be anything: the key is looked at first."""
    result = aoc("--fingerprint", KID, report=sign({"no": "report", "deep": [[[]]]}, THEIRS))

    assert result.status == 3


def test_a_report_that_was_changed_ends_with_1_whatever_is_pinned(aoc) -> None:
    changed = sign(TOLD, OURS)[:-10] + b"AAAAAAAAA\n"
    result = [aoc(*options, report=changed) for options in ((), ("--fingerprint", KID), ("--fingerprint", OTHER))]

    assert [(item.status, item.out) for item in result] == [(1, "")] * 3
    assert all("the signature does not fit" in item.err or "no signed report" in item.err for item in result)


def test_a_key_is_pinned_by_the_setting_unless_an_option_names_one(aoc, monkeypatch) -> None:
    monkeypatch.setenv("AOC_REPORTS__FINGERPRINTS", f"{OTHER}, {KID}")
    known = aoc().status
    monkeypatch.setenv("AOC_REPORTS__FINGERPRINTS", OTHER)

    assert (known, aoc().status, aoc("--fingerprint", KID).status) == (0, 3, 0)


@pytest.mark.parametrize(
    "text",
    [public_pem(OURS), pem(OURS), json.dumps(jwk(public_bytes(OURS))), published(THEIRS, OURS)],
    ids=["public PEM", "private PEM", "JWK", "JWK Set"],
)
def test_a_key_is_pinned_by_a_file_in_any_usual_form(aoc, held, text) -> None:
    ours, theirs = aoc("--key", held(text)), aoc("--key", held(text), report=sign(TOLD, THEIRS))

    assert (ours.status, theirs.status) == (0, 0 if "keys" in text else 3)


def test_a_key_that_was_retired_proves_what_was_signed_before(aoc, held) -> None:
    earlier, later = AT - timedelta(seconds=1), AT + timedelta(seconds=1)
    before = aoc("--key", held(published(OURS, retired_at=later)))
    after = aoc("--key", held(published(OURS, retired_at=earlier)))

    assert (before.status, after.status) == (0, 3)
    assert after.out.startswith(f"not proven: key {KID} was retired at 2026-11-23 07:59:59 UTC; the report names")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no key",
        "[]",
        "{}",
        '{"keys": []}',
        '{"keys": [5]}',
        '{"keys": 5}',
        '{"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}',
        json.dumps(jwk(public_bytes(OURS)) | {"kid": OTHER}),
        json.dumps(jwk(public_bytes(OURS)) | {"retired_at": "soon"}),
        json.dumps(jwk(public_bytes(OURS)) | {"retired_at": 5}),
        json.dumps(jwk(public_bytes(OURS)) | {"retired_at": "2026-11-23T08:00:00"}),
        json.dumps(jwk(public_bytes(THEIRS)))[:-1] + f', "x": "{jwk(public_bytes(OURS))["x"]}"}}',
        "[" * 100_000,
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        generate_private_key(SECP256R1())
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        .decode(),
    ],
)
def test_what_pins_no_key_is_a_wrong_option_and_never_no_pin(aoc, held, text) -> None:
    result = aoc("--key", held(text))

    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("aoc: --key: ")


@pytest.mark.parametrize("text", ["", "x", KID[:-1], KID + "A", KID[:-1] + "B", SHOWN_BEFORE[:-1], "SHA256:\x1b[31m"])
def test_what_is_no_fingerprint_is_a_wrong_option(aoc, monkeypatch, text) -> None:
    result = aoc("--fingerprint", text)
    monkeypatch.setenv("AOC_REPORTS__FINGERPRINTS", text or "?")
    configured = aoc()

    assert (result.status, configured.status) == (2, 2)
    assert "--fingerprint" in result.err
    assert "AOC_REPORTS__FINGERPRINTS" in configured.err
    assert "\x1b" not in result.err + configured.err


def test_a_fingerprint_may_begin_with_a_dash(aoc) -> None:
    result = aoc("--fingerprint", "-" + KID[1:])

    assert result.status == 3
    assert f"pinned: -{KID[1:]}" in result.out


@pytest.mark.parametrize("options", [("--report", "x"), ("--report", "x", "--fingerprint", KID)])
def test_a_report_is_signed_or_checked_and_not_both(aoc, options) -> None:
    assert aoc(*options).status == 2


def test_a_check_prints_all_that_was_signed(aoc) -> None:
    shown = aoc("--fingerprint", KID).out
    printed = json.loads(aoc("--fingerprint", KID, "--json").out)

    assert printed == {"verdict": "proven", "key": KID, "form": "jws", "statement": TOLD}
    assert "tenant contoso, as of 2026-11-23 08:00:00 UTC" in shown
    assert f"made by installation {INSTALLATION}, AOC 0.1.0" in shown
    assert "open graph-signins 2026-11-23 07:50:00 to 2026-11-23 08:00:00, not accounted for yet" in shown
    assert "gap graph-signins 2026-11-14 08:00:00 to 2026-11-15 08:00:00, lost for good: listed no more" in shown
    assert (
        "discarded graph-signins 1 dead letters with 3 records, and 2 records of the quarantine, by decision" in shown
    )
    assert "never collected graph-directory-audits, graph-signins-noninteractive" in shown
    assert "meaning of complete_until: " in shown


def test_what_a_report_of_the_version_before_does_not_state_is_shown_as_not_stated(aoc) -> None:
    result = aoc("--fingerprint", KID, report=signed_before(BEFORE, OURS))
    [row] = [line for line in result.out.splitlines() if line.startswith("graph-signins")]

    assert "form of the version before" in result.out
    assert row.split("  ")[0] == "graph-signins"
    assert row.count("not stated") == 9


def test_the_text_of_a_report_cannot_control_the_terminal(aoc) -> None:
    """Also a tenant's own key may have signed what an attacker wrote: errors of servers, reasons of gaps."""
    hostile = "\x1b[2J\x1b]0;x\x07\r\nproven: all is well\u202e\u200b\u2028[red]x[/]"
    gap = Gap(GapCause.LOST, AT, AT, closable=False, detail=hostile)
    account = SourceAccount("contoso", hostile[:50], last_error=hostile, gaps=(gap,))
    document = statement("contoso", hostile, AT, hostile, [account], {})
    for report in (sign(document, OURS), signed_before(orjson.loads(orjson.dumps(BEFORE | {"tenant": hostile})), OURS)):
        for result in (aoc(report=report), aoc("--json", report=report)):
            assert result.status == 4
            assert not set("\x1b\x07\r\u202e\u200b\u2028") & set(result.out)
            assert not [line for line in result.out.splitlines() if line.startswith("proven")]


@pytest.mark.parametrize(
    "change",
    [
        {"version": VERSION + 1},
        {"version": 0},
        {"version": None},
        {"version": "\x1b[31m"},
        {"note": "all is well"},
        {"tenant": "x" * 300},
        {"at": "yesterday"},
        {"sources": [{"source": "x", "gaps": [{"cause": "none"}]}]},
        {"sources": [{"source": "x" * 1_000_000}]},
        {"sources": [{"source": "x"}] * 2_000},
        {"sources": {}},
        {"meaning": [[[[]]]]},
    ],
)
def test_a_statement_of_another_shape_is_refused_with_one_line_though_the_pinned_key_signed_it(aoc, change) -> None:
    result = aoc("--fingerprint", KID, report=sign(TOLD | change, OURS))

    assert (result.status, result.out, result.err.count("\n")) == (1, "", 1)
    assert "\x1b" not in result.err
    assert len(result.err) < 1_000


def test_a_report_states_until_when_each_sink_has_everything(aoc) -> None:
    sinks = [
        SinkDelivery("siem", "splunk", "running", AT, AT, behind=False, delivered=1_200, refused=3),
        SinkDelivery("lake", "folder", "failing", AT, None, behind=True, delivered=7),
    ]
    document = statement("contoso", None, AT, INSTALLATION, [ACCOUNT], GONE, sinks=sinks)
    result = aoc("--fingerprint", KID, report=sign(document, OURS))

    shown = [line.split() for line in result.out.splitlines() if line.startswith(("siem", "lake"))]
    assert shown == [
        ["siem", "splunk", "running", "2026-11-23", "08:00:00", "1,200", "3", "0", "0", "0", "0", "0"],
        ["lake", "folder", "failing", "behind", "7", "0", "0", "0", "0", "0", "0"],
    ]
    assert "meaning of sinks" in result.out


def test_many_gaps_are_shown_in_part_and_counted(aoc) -> None:
    gaps = tuple(Gap(GapCause.LOST, AT, AT, closable=False) for _ in range(1_000))
    document = statement("contoso", None, AT, INSTALLATION, [SourceAccount("contoso", "x", gaps=gaps)], {})
    result = aoc(report=sign(document, OURS))

    assert result.out.count("\ngap ") == 51
    assert "gap x and 950 more: --json shows them" in result.out


@pytest.mark.parametrize("size", [16 * 1024 * 1024 + 1, 100 * 1024 * 1024])
def test_a_file_of_any_size_is_refused_without_reading_it_to_its_end(aoc, tmp_path, size) -> None:
    file = tmp_path / "large"
    with file.open("wb") as made:
        made.truncate(size)
    result = aoc("--check", str(file))

    assert (result.status, result.err) == (1, "aoc: no signed report: it has more than 16,777,216 bytes\n")


def test_a_file_that_is_not_there_is_named(aoc, tmp_path) -> None:
    result = aoc("--check", str(tmp_path / "none"))

    assert (result.status, result.err) == (2, f"aoc: {tmp_path / 'none'}: No such file or directory\n")


def test_the_statement_says_what_it_leaves_open() -> None:
    """Whatever an account knows is in it, and what it does not know is named."""
    document = statement("contoso", "72f988bf-86f1-41af-91ab-2d7cd011db47", AT, INSTALLATION, [ACCOUNT], GONE)
    [source] = document["sources"]

    assert set(SourceAccount.__slots__) - {"tenant"} <= set(source)
    assert (document["version"], document["at"], document["tenant_id"]) == (
        VERSION,
        "2026-11-23T08:00:00Z",
        "72f988bf-86f1-41af-91ab-2d7cd011db47",
    )
    assert document["made_by"] == {"installation": INSTALLATION, "aoc": "0.1.0"}
    assert source["since"] == "2026-11-01"
    assert source["open"] == {"start": "2026-11-23T07:50:00Z", "end": "2026-11-23T08:00:00Z"}
    assert source["discarded"] == {"letters": 1, "in_letters": 3, "quarantined": 2}
    assert "graph-signins" not in document["never_collected"]
    assert "o365-exchange" in document["never_collected"]


def test_an_account_that_claims_the_future_is_signed_with_that_remark() -> None:
    ahead = SourceAccount("contoso", "x", watermark=AT + timedelta(days=1), complete_until=AT + timedelta(days=1))
    [source] = statement("contoso", None, AT, INSTALLATION, [ahead], {})["sources"]

    assert (source["state"], source["reasons"][0]) == (
        "red",
        "its account lies in the future: a clock is wrong, or was",
    )
