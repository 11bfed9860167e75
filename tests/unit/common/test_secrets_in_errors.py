"""Errors of connection strings print no part of a password."""

from __future__ import annotations

import asyncio
import contextlib
import io
import itertools
import os
import ssl
import traceback
import warnings
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from aoc_common.errors import AocError, BadConfiguration
from aoc_common.settings import MongoSettings, NatsSettings, ServiceSettings, load, resolve_secret
from aoc_common.store.mongo.client import connect, ping
from each import each

if TYPE_CHECKING:
    from collections.abc import Sequence

#: No two characters of these stand in any message for another reason.
PARTS = ("Zq9", "7741", "Xw7")
BETWEEN = [
    "/",
    "@",
    ":",
    "?",
    "#",
    "%",
    "%zz",
    "&",
    "=",
    "[",
    "]",
    "[::",
    ",",
    "\\",
    " ",
    "\n",
    "//",
    "@@",
    "/@",
    "?a=",
    "/?a=b&c=",
]
MONGO = ["mongodb://app:{}@db.example:27017/aoc", "mongodb+srv://app:{}@db.example/", "mongodb://{}@h1,h2/?w=1",
         "mongodb://app:{}", "mongodb://app:{}@", "mongo://app:{}@h", "file:{}@x", "mongodb://h/?tlsCertificateKeyFilePassword={}&tls=maybe",
         "mongodb://h/?authMechanism=NONE&authMechanismProperties=AWS_SESSION_TOKEN:{}"]  # fmt: skip
NATS = [
    "nats://app:{}@bus.example:4222",
    "nats://{}@bus",
    "tls://app:{}",
    "nats://ok:4222,nats://app:{}@bus",
    "wss://app:{}@bus/x",
]


def passwords() -> list[str]:
    pairs = [*zip(BETWEEN, BETWEEN, strict=True), *itertools.product(BETWEEN[:6], BETWEEN[:6])]
    return [PARTS[0] + one + PARTS[1] + two + PARTS[2] for one, two in pairs]


def shown(said: str, template: str, password: str) -> list[str]:
    """The parts of the password that stand in what was said."""
    return [f"{template} {password!r}: {part}" for part in PARTS if part.lower() in said.lower()]


async def attempt(uri: str, told: io.StringIO) -> None:
    """Connect, and note the answer, or the error with its traceback."""
    try:
        async with connect(MongoSettings(uri=uri, timeout_s=0.05)) as database:
            told.write(str(await ping(database)))
    except AocError:
        told.write(traceback.format_exc())


async def attempts(uris: Sequence[str]) -> str:
    """All that anybody is told of attempts to connect: errors, warnings, output. Names that nobody knows take long."""
    told = io.StringIO()
    with (
        warnings.catch_warnings(record=True) as caught,
        contextlib.redirect_stdout(told),
        contextlib.redirect_stderr(told),
    ):
        warnings.simplefilter("always")
        for some in itertools.batched(uris, 20):
            await asyncio.gather(*(attempt(uri, told) for uri in some))
    return told.getvalue() + "".join(str(one.message) for one in caught)


@pytest.mark.slow
@pytest.mark.parametrize("template", MONGO)
async def test_no_part_of_a_password_is_printed_whatever_is_wrong_with_a_mongodb_uri(
    template, capfd, monkeypatch
) -> None:
    # Reading the system's certificates, for each client anew, would be most of what this costs.
    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", lambda *_: None)
    # Of `user:a@b` nobody can tell that b is no host.
    chosen = [one for one in passwords() if "@" not in one or "@" in template]
    said = await attempts([template.format(one) for one in chosen])

    assert chosen
    assert shown(said + "".join(capfd.readouterr()), template, "") == []


@pytest.mark.parametrize("template", NATS)
def test_no_part_of_a_password_is_printed_whatever_is_wrong_with_a_nats_url(template, monkeypatch) -> None:
    told, refusals = [], 0
    for password in passwords():
        url = template.format(password)
        monkeypatch.setenv("AOC_NATS__URL", url.replace("\0", ""))
        try:
            told += shown(repr(load(ServiceSettings).nats), template, password)
        except BadConfiguration as error:
            refusals += 1
            told += shown("".join(traceback.format_exception(error)), template, password)
        with contextlib.suppress(ValidationError):
            NatsSettings(url=url)
        try:
            NatsSettings(url=url)
        except ValidationError as error:
            told += shown(str(error), template, password)

    assert told == []
    assert refusals > len(passwords()) / 2


def test_what_is_well_formed_is_taken_and_a_wrong_option_is_still_named() -> None:
    for url in (
        "nats://127.0.0.1:4222",
        "nats://u:p%ss@bus:4222",
        "tls://a,tls://b:1",
        "wss://bus/path",
        "nats://[::1]:4222",
    ):
        assert NatsSettings(url=url).url == url


@each(
    "uri",
    [
        "mongodb://127.0.0.1:1",
        "mongodb://u:p%2Fw%40x@h1:1,h2:2/aoc?replicaSet=rs",
        "mongodb://%2Ftmp%2Fx.sock",
        "mongodb://[::1]:1/",
    ],
)
async def test_a_good_uri_is_taken(uri) -> None:
    async with connect(MongoSettings(uri=uri)):
        pass


async def test_a_wrong_option_is_named_by_the_driver() -> None:
    with pytest.raises(BadConfiguration, match=r"AOC_MONGO__URI: .*directConnection"):
        async with connect(MongoSettings(uri="mongodb://a,b/?directConnection=true")):
            pass


def test_a_secret_in_place_of_a_reference_is_not_repeated() -> None:
    assert "ZZTOP" not in os.environ
    for reference in ("file:mongodb://app:ZZTOP@h", "env:app:ZZTOP@h", "ZZTOP", "pass:ZZTOP"):
        with pytest.raises(BadConfiguration) as refused:
            resolve_secret(reference, "AOC_MONGO__URI")
        assert "ZZTOP" not in str(refused.value)
