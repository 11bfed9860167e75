"""Classes of failures, and what each source needs."""

from __future__ import annotations

import pytest

from aoc_collector.microsoft.errors import classify, code_of
from aoc_collector.sources import SOURCES
from aoc_common.contracts.directory import KINDS
from aoc_common.contracts.troubles import Trouble
from aoc_common.errors import BadConfiguration, Malformed, Refused, Throttled, Unreachable
from aoc_common.tenants.needs import NEEDS
from aoc_common.tenants.remedies import next_action


def caused(outer, cause):
    outer.__cause__ = cause
    return outer


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (Refused("lacks it", status=403, code="Authentication_MSGraphPermissionMissing"), Trouble.NO_PERMISSION),
        (Refused("lacks it", status=403, code="Authorization_RequestDenied"), Trouble.NO_PERMISSION),
        (Refused("lacks it", status=403, code="AF10001"), Trouble.NO_PERMISSION),
        (
            Refused("no", status=403, code="Authentication_RequestFromNonPremiumTenantOrB2CTenant"),
            Trouble.NOT_LICENSED,
        ),
        (Refused("The tenant is not licensed for this feature.", status=403, code="Forbidden"), Trouble.NOT_LICENSED),
        (Refused("It needs a licence.", status=400, code="AadPremiumLicenseRequired"), Trouble.NOT_LICENSED),
        (Refused("disabled", status=400, code="AF20023"), Trouble.SUBSCRIPTION_DISABLED),
        (caused(Unreachable("none"), Refused("none", status=400, code="AF20022")), Trouble.SUBSCRIPTION_DISABLED),
        (Refused("wrong", status=401, code="AADSTS7000215"), Trouble.CREDENTIALS),
        (Refused("expired", status=401, code="AADSTS7000222"), Trouble.CREDENTIALS),
        (Refused("revoked", status=400, code="AADSTS65001"), Trouble.CREDENTIALS),
        (Refused("twice", status=401, code="InvalidAuthenticationToken"), Trouble.CREDENTIALS),
        (BadConfiguration("secret file is gone"), Trouble.CREDENTIALS),
        (Throttled("slower"), Trouble.THROTTLED),
        (Unreachable("503"), Trouble.UNREACHABLE),
        (Refused("what?", status=400, code="BadRequest"), Trouble.OTHER),
        (Malformed("no JSON"), Trouble.OTHER),
        (ZeroDivisionError("ours"), Trouble.OTHER),
    ],
    ids=lambda one: one if isinstance(one, str) else f"{type(one).__name__} {getattr(one, 'code', '')}".strip(),
)
def test_a_failure_has_a_class(error, trouble) -> None:
    assert classify(error) == trouble


def test_microsofts_code_is_kept_also_when_we_try_again() -> None:
    assert code_of(caused(Unreachable("none"), Refused("none", code="AF20022"))) == "AF20022"
    assert code_of(Unreachable("503")) == ""


def test_who_cannot_read_a_secret_is_not_told_to_check_what_entra_knows() -> None:
    error = BadConfiguration("tenant contoso, client_secret: file:/run/secrets/contoso: No such file or directory")

    assert "where the collector reads it" in (next_action("", classify(error), code_of(error)) or "")


def test_every_source_and_every_kind_of_the_directory_says_what_it_needs() -> None:
    assert set(NEEDS) == {*SOURCES, *(f"directory/{kind}" for kind in KINDS)}


def test_a_missing_permission_is_named_and_a_wider_one_suffices() -> None:
    dlp, users = NEEDS["o365-dlp"], NEEDS["directory/user"]

    assert dlp.missing(frozenset({"ActivityFeed.Read"})) == ["ActivityFeed.ReadDlp"]
    assert users.missing(frozenset({"Directory.Read.All"})) == []


@pytest.mark.parametrize(
    ("source", "trouble", "code", "words"),
    [
        ("graph-signins", Trouble.NO_PERMISSION, "", "AuditLog.Read.All (Microsoft Graph)"),
        ("o365-dlp", Trouble.NO_PERMISSION, "", "ActivityFeed.ReadDlp (Office 365 Management APIs)"),
        ("graph-signins", Trouble.NOT_LICENSED, "", "Entra ID P1 or P2"),
        ("o365-exchange", Trouble.SUBSCRIPTION_DISABLED, "AF20023", "UnifiedAuditLogIngestionEnabled"),
        ("graph-risky-users", Trouble.NOT_LICENSED, "", "Microsoft Entra ID P2"),
        ("graph-risk-detections", Trouble.NO_PERMISSION, "", "IdentityRiskEvent.Read.All"),
        ("graph-alerts", Trouble.CREDENTIALS, "AADSTS7000222", "create a new one"),
        ("graph-alerts", Trouble.CREDENTIALS, "", "client_id"),
        ("something-new", Trouble.NO_PERMISSION, "", "the last error names"),
    ],
)
def test_what_to_do_is_told_exactly(source, trouble, code, words) -> None:
    assert words in (next_action(source, trouble, code) or "")


@pytest.mark.parametrize("trouble", [None, Trouble.UNREACHABLE, Trouble.THROTTLED])
def test_what_passes_by_itself_asks_for_nothing(trouble) -> None:
    assert next_action("graph-signins", trouble) is None
