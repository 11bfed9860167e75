"""What a proxy says of a request is believed from proxies that are listed, and from nobody else."""

from __future__ import annotations

from aoc_api.forwarded import ForwardedHeaders
from each import each

TRUSTED = ForwardedHeaders(["10.0.0.0/24", "192.0.2.7/32", "fd00::/64"])


def applied(peer: str, *headers: tuple[str, str], forwarded: ForwardedHeaders = TRUSTED):
    scope = {
        "type": "http",
        "scheme": "http",
        "client": (peer, 1234),
        "headers": [(name.lower().encode(), value.encode()) for name, value in (("Host", "inside:8080"), *headers)],
    }
    found = forwarded.applied(scope)
    return found["client"][0], found["scheme"], dict(found["headers"])[b"host"].decode(), found["headers"]


def test_a_listed_proxy_says_who_asks_how_and_for_what_name() -> None:
    said = (("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "aoc.example"))

    for proxy in ("10.0.0.5", "192.0.2.7", "fd00::1", "::ffff:10.0.0.5"):
        assert applied(proxy, *said)[:3] == ("203.0.113.9", "https", "aoc.example")


@each("stranger", ["203.0.113.9", "10.0.1.5", "127.0.0.1", "::1", "", "unix", "10.0.0.5.evil"])
def test_what_a_stranger_says_is_not_believed_and_nobody_behind_us_sees_it(stranger) -> None:
    said = (
        ("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "localhost"),
        ("Forwarded", "for=127.0.0.1;proto=https"), ("X-Real-IP", "127.0.0.1"), ("X-Forwarded-Port", "443"),
    )  # fmt: skip
    client, scheme, host, headers = applied(stranger, *said)

    assert (client, scheme, host) == (stranger, "http", "inside:8080")
    assert [name for name, _ in headers] == [b"host"]


@each(
    ("hops", "client"),
    [
        # What the client wrote stands to the left of what the proxy saw.
        (["127.0.0.1, 203.0.113.9"], "203.0.113.9"),
        (["127.0.0.1", "203.0.113.9"], "203.0.113.9"),
        (["198.51.100.1, 203.0.113.9, 10.0.0.6"], "203.0.113.9"),
        (["10.0.0.6"], "10.0.0.6"),
        (["203.0.113.9, unknown"], "10.0.0.5"),
        (["203.0.113.9:4711"], "10.0.0.5"),
        (["<script>"], "10.0.0.5"),
        (["fe80::1%\x1b[31m"], "10.0.0.5"),
        ([""], "10.0.0.5"),
        ([", ,"], "10.0.0.5"),
        ([", ".join(["10.0.0.6"] * 100_000)], "10.0.0.6"),
    ],
)
def test_the_client_is_the_last_address_that_no_proxy_of_ours_has(hops, client) -> None:
    assert applied("10.0.0.5", *(("X-Forwarded-For", hop) for hop in hops))[0] == client


@each("scheme", ["ftp", "", "https, http", "javascript"])
def test_a_scheme_is_the_one_that_the_nearest_proxy_names(scheme) -> None:
    assert applied("10.0.0.5", ("X-Forwarded-Proto", scheme))[1] == "http"
    assert applied("10.0.0.5", ("X-Forwarded-Proto", "HTTPS"))[1] == "https"


def test_without_listed_proxies_nobody_is_believed() -> None:
    said = ("X-Forwarded-Proto", "https")

    assert applied("10.0.0.5", said, forwarded=ForwardedHeaders([]))[1] == "http"
