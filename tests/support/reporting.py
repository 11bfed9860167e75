"""Reports of completeness for tests: an account, its statement, keys, and a report as the version before signed it."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from aoc_cli.reports.statement import statement
from aoc_common.store.accounts import Gap, GapCause, SourceAccount
from aoc_common.store.mongo.decisions import Discarded

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
INSTALLATION = "0b5c7f0e-9a31-4a53-8f0a-0d6c7a0d5f11"
LOST = Gap(GapCause.LOST, AT - timedelta(days=9), AT - timedelta(days=8), closable=False, detail="listed no more")
ACCOUNT = SourceAccount(
    "contoso",
    "graph-signins",
    since=datetime(2026, 11, 1, tzinfo=UTC),
    watermark=AT - timedelta(minutes=5),
    complete_until=AT - timedelta(minutes=10),
    last_success=AT,
    records=7,
    stored=6,
    duplicate=1,
    gaps=(LOST,),
)
GONE = {"graph-signins": Discarded(letters=1, in_letters=3, quarantined=2)}
TOLD: dict[str, Any] = statement("contoso", None, AT, INSTALLATION, [ACCOUNT], GONE)
BEFORE: dict[str, Any] = {
    "tenant": "contoso",
    "at": "2026-11-23T08:00:00+00:00",
    "sources": [{"tenant": "contoso", "source": "graph-signins", "since": "2026-11-01T00:00:00+00:00", "records": 7}],
}
OURS, THEIRS = (Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32) for seed in (1, 2))


def pem(key: Ed25519PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_pem(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def signed_before(report: dict[str, Any], key: Ed25519PrivateKey) -> bytes:
    """A report as the version before wrote it."""
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    signature = {
        "algorithm": "Ed25519",
        "public_key": base64.b64encode(public).decode(),
        "value": base64.b64encode(key.sign(orjson.dumps(report, option=orjson.OPT_SORT_KEYS))).decode(),
    }
    return orjson.dumps({"report": report, "signature": signature}, option=orjson.OPT_INDENT_2)
