from __future__ import annotations

import pytest

from aoc_common.contracts.directory import MAX_KEY, is_service_account, key
from each import each


@each(
    ("upn", "name"),
    [
        ("svc-backup@contoso.example", "Backup"),
        ("SVC_SQL01@contoso.example", None),
        ("backup.service@contoso.example", None),
        ("sa-reporting@contoso.example", "Reporting"),
        ("Sync_DC01_0123456789ab@contoso.example", "On-Premises Directory Synchronization Service Account"),
        ("x0017@contoso.example", "Service Account: Scanner"),
        (None, "svc account for print"),
    ],
)
def test_an_unlicensed_account_that_is_named_as_one_is_a_service_account(upn, name):
    assert is_service_account(upn, name, licensed=False, guest=False)


@each(
    ("upn", "name"),
    [
        ("svcetlana@contoso.example", "Svcetlana Novak"),
        ("sa@contoso.example", "Sa"),
        ("rosa.maria@contoso.example", "Rosa Maria"),
        ("dana.reyes@svc-backup.example", "Dana Reyes"),
        ("kim@contoso.example", "Kim, accounts"),
        (None, None),
        ("", ""),
    ],
)
def test_a_person_is_no_service_account_even_without_a_licence(upn, name):
    assert not is_service_account(upn, name, licensed=False, guest=False)


@pytest.mark.parametrize(("licensed", "guest"), [(True, False), (None, False), (False, True)])
def test_a_licence_a_guest_or_licences_that_are_not_known_mean_a_person(licensed, guest):
    assert not is_service_account("svc-backup@contoso.example", "Service account", licensed=licensed, guest=guest)


def test_keys_are_spelled_alike_whatever_their_case_and_bounded():
    assert key(" AbC ") == key("aBc") == "abc"
    assert len(key("x" * 10_000)) == MAX_KEY
