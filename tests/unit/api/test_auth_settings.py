from __future__ import annotations

import pytest

from aoc_api.settings import ApiSettings
from aoc_common.errors import BadConfiguration
from aoc_common.settings import load

APP = "22222222-3333-4444-8555-666666666666"
HOME = '["11111111-2222-4333-8444-555555555555"]'


@pytest.mark.parametrize(
    ("environment", "names"),
    [
        ({"CLIENT_ID": APP}, "HOME_TENANTS"),
        ({"HOME_TENANTS": HOME}, "CLIENT_ID"),
        ({"CLIENT_ID": "aoc", "HOME_TENANTS": HOME}, "CLIENT_ID"),
        ({"CLIENT_ID": APP, "HOME_TENANTS": '["contoso"]'}, "HOME_TENANTS"),
        ({"CLIENT_ID": APP, "HOME_TENANTS": HOME, "CLOUD": "china"}, "CLOUD"),
        ({"CLIENT_ID": APP, "HOME_TENANTS": HOME, "AUTHORITY": "http://login.example"}, "AUTHORITY"),
        ({"CLIENT_ID": APP, "HOME_TENANTS": HOME, "APPLICATION_URI": "aoc"}, "APPLICATION_URI"),
        ({"CLIENT_ID": APP, "HOME_TENANTS": HOME, "SCOPE": "two scopes"}, "SCOPE"),
    ],
)
def test_what_is_missing_or_wrong_stops_the_start_with_one_line_that_names_it(monkeypatch, environment, names):
    for name, value in environment.items():
        monkeypatch.setenv(f"AOC_API__AUTH__{name}", value)

    with pytest.raises(BadConfiguration) as error:
        load(ApiSettings)
    assert names in str(error.value)
    assert "AOC_API__AUTH" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("cloud", "service"),
    [
        ("commercial", "https://login.microsoftonline.com"),
        ("gcc", "https://login.microsoftonline.com"),
        ("gcc-high", "https://login.microsoftonline.us"),
        ("dod", "https://login.microsoftonline.us"),
    ],
)
def test_each_cloud_has_its_sign_in_service(monkeypatch, cloud, service):
    for name, value in {"CLIENT_ID": APP.upper(), "HOME_TENANTS": HOME, "CLOUD": cloud}.items():
        monkeypatch.setenv(f"AOC_API__AUTH__{name}", value)

    auth = load(ApiSettings).api.auth

    assert (auth.sign_in_service, auth.identifier_uri) == (service, f"api://{APP}")


def test_without_a_registration_no_tokens_are_taken():
    assert ApiSettings().api.auth.client_id is None
