"""`aoc verify` compares signed reports with the truth, read as their recipient reads them."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from aoc_cli.reports import form
from aoc_cli.reports.form import public_bytes, sign
from aoc_cli.reports.statement import statement
from aoc_cli.verify import signed_reports
from aoc_cli.verify.ground_truth import GroundTruth, SourceDeliveries
from aoc_cli.verify.signed_reports import Report, check_reports
from aoc_cli.verify.statements import Statements
from aoc_common.contracts.report_keys import thumbprint
from aoc_common.store.accounts import Gap, GapCause, SourceAccount
from aoc_common.store.arrivals import RecentArrivals
from each import each

AT = datetime(2026, 1, 14, 12, 0, 0, 123456, tzinfo=UTC)
PLACE = ("contoso", "o365-exchange")
GROUND_TRUTH = GroundTruth.of(0, {PLACE: SourceDeliveries((), 0, 0, 0, ())}, {})
ACCOUNT = SourceAccount(
    *PLACE, since=AT, watermark=AT, complete_until=AT, last_success=AT, trouble="denied", slices=1, pages=1, records=2,
    stored=1, duplicate=1, throttled=0.25, recently=RecentArrivals(last_record=AT, usual=3),
    gaps=(Gap(GapCause.EXPIRED, AT, AT, closable=False, items=2, detail="gone"),),
)  # fmt: skip
KEY = Ed25519PrivateKey.generate()
CONTOSO = "c0a70501-5a11-4d0e-9b1c-0a0c51a00001"


def document(account=ACCOUNT, **other):
    return statement("contoso", CONTOSO, AT, "installation", [account], {}) | other


def false(statement_, key=KEY, kid=None) -> set[str]:
    report = Report("contoso", AT, kid or thumbprint(public_bytes(KEY)), sign(statement_, key))
    tally = Statements()
    check_reports([report], {PLACE: ACCOUNT}, GROUND_TRUTH, tally)
    return {kind.removeprefix("signed: ") for kind, count in tally.false.items() if count}


def source(**changed):
    [only] = document()["sources"]
    return document(sources=[only | changed])


def test_the_account_that_is_read_back_from_a_report_is_the_one_that_was_signed() -> None:
    report = Report("contoso", AT, thumbprint(public_bytes(KEY)), sign(document(), KEY))
    tally = Statements()
    stated = check_reports([report], {PLACE: ACCOUNT}, GROUND_TRUTH, tally)
    day = AT.replace(hour=0, microsecond=0)

    assert tally.count == 0
    assert stated == {PLACE: replace(ACCOUNT, since=day)}


@each(
    ("altered", "kinds"),
    [
        (document(tenant="fabrikam"), {"whose it is", "account"}),
        (document(tenant_id=None), {"whose it is"}),
        (document(at=AT + timedelta(hours=1)), {"time"}),
        (document(never_collected=[]), {"never collected"}),
        (document(never_collected=None), {"never collected"}),
        (document(replace(ACCOUNT, stored=2)), {"account"}),
        (document(replace(ACCOUNT, gaps=())), {"account"}),
        (document(replace(ACCOUNT, last_success=None)), {"account"}),
        (document(replace(ACCOUNT, complete_until=AT + timedelta(hours=1))), {"account", "still open"}),
        (document(sources=[]), {"sources"}),
        (source(open=None), {"still open"}),
        (source(discarded={"letters": 1, "in_letters": 1, "quarantined": 0}), {"discarded"}),
        (source(discarded=None), {"discarded"}),
    ],
)
def test_each_false_statement_of_a_report_is_found(altered, kinds) -> None:
    assert false(orjson.loads(orjson.dumps(altered))) == kinds


def test_a_report_that_another_key_signed_or_that_cannot_be_read_is_not_proven() -> None:
    assert false(document(), Ed25519PrivateKey.generate()) == {"proven"}
    assert false({"version": 1}) == {"proven"}


def test_a_check_that_takes_an_altered_report_is_noticed(monkeypatch) -> None:
    def careless(document: bytes) -> form.Signed:
        payload = urlsafe_b64decode(document.split(b".")[1] + b"==")
        return form.Signed(form.Form.JWS, public_bytes(KEY), payload)

    monkeypatch.setattr(signed_reports, "check", careless)

    assert false(document()) == {"alteration"}
