"""Signed reports of completeness."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from aoc_cli import report
from aoc_common.errors import BadConfiguration, Malformed

TOLD = {"tenant": "contoso", "at": "2026-11-23T08:00:00+00:00", "sources": [{"source": "graph-signins", "records": 7}]}


def test_a_report_is_checked_however_it_is_printed() -> None:
    signed = report.sign(TOLD, report.new_key(), "--key")
    reprinted = json.dumps(json.loads(signed), sort_keys=True).encode()

    assert report.check(signed)[0] == report.check(reprinted)[0] == TOLD
    assert report.check(signed)[1].startswith("SHA256:")


def test_the_fingerprint_tells_one_key_from_another() -> None:
    first, second = report.new_key(), report.new_key()
    prints = [report.check(report.sign(TOLD, key, "--key"))[1] for key in (first, first, second)]

    assert prints[0] == prints[1] != prints[2]


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document["report"].update(tenant="fabrikam"),
        lambda document: document["report"]["sources"][0].update(records=8),
        lambda document: document["report"].pop("at"),
        lambda document: document["signature"].update(value="AAAA"),
        lambda document: document["signature"].update(value=5),
        lambda document: document["signature"].update(public_key="nonsense!"),
        lambda document: document["signature"].update(algorithm="none"),
        lambda document: document.pop("signature"),
        lambda document: document.update(report=[]),
    ],
)
def test_a_report_that_was_changed_is_refused(change) -> None:
    document = json.loads(report.sign(TOLD, report.new_key(), "--key"))
    change(document)
    with pytest.raises(Malformed):
        report.check(json.dumps(document).encode())


@pytest.mark.parametrize("document", [b"", b"no JSON", b"[]", b"{}", b"\xff", b"null"])
def test_what_is_no_report_is_refused(document) -> None:
    with pytest.raises(Malformed, match="no signed report"):
        report.check(document)


def test_a_key_of_another_kind_or_none_is_refused_by_the_name_of_its_option() -> None:
    other = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    for key in (other, "", "no key"):
        with pytest.raises(BadConfiguration, match=r"^--key: "):
            report.sign(TOLD, key, "--key")
