"""What object stores say, and what the sinks make of it; whose keys sign; which addresses are asked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from pydantic import ValidationError
from starlette.responses import Response

from aoc_common import http
from aoc_common.clock import SystemClock
from aoc_common.contracts.sinks import SinkSettings
from aoc_common.errors import BadConfiguration
from aoc_common.outbound.refusals import UNUSABLE_WAIT_S, Unusable
from aoc_exporter.delivery.deliver import deliver
from aoc_exporter.destinations import make
from aoc_exporter.outcome import Accepted, Refused, Retry
from aoc_exporter.settings import ExportSettings
from aoc_exporter.sinks.folder import FolderOptions, folder
from aoc_exporter.sinks.security_lake import SecurityLakeOptions
from aoc_exporter.stores.azure import AzureBlobs, AzureOptions
from aoc_exporter.stores.roles import RoleKeys
from aoc_exporter.stores.s3 import Bucket, S3Options
from aoc_exporter.stores.signing import Signer, keys_of
from each import each
from manual_clock import ManualClock
from object_stores import KEYS, SECRET, Answering, cutting, refusal, s3_at
from receiving import Tokens
from siem_entries import items

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_exporter.outcome import Outcome

CLOCK = SystemClock()
APP = {"tenant_id": "contoso", "client_id": "aoc"}


async def sent_to(options: dict[str, Any], count: int = 2) -> Sequence[Outcome]:
    """What becomes of entries, all of one file."""
    sink = folder(FolderOptions.model_validate(options), CLOCK)
    outcomes = await deliver(sink, items(count))
    await sink.close()
    return outcomes


NOT_SERVED = (
    (refusal(403, "AccessDenied"), "s3: 403 AccessDenied because", UNUSABLE_WAIT_S),
    (refusal(404, "NoSuchBucket"), "s3: 404 NoSuchBucket because", UNUSABLE_WAIT_S),
    (refusal(301, "PermanentRedirect"), "s3: 301 PermanentRedirect because", UNUSABLE_WAIT_S),
    (refusal(400, "RequestTimeTooSkewed"), "s3: 400 RequestTimeTooSkewed because", UNUSABLE_WAIT_S),
    (refusal(503, "SlowDown", Retry_After="7"), "s3: 503 SlowDown because", 7.0),
    (refusal(503, "SlowDown", Retry_After="999999"), "s3: 503 SlowDown because", 300.0),
    (refusal(500, "InternalError"), "s3: 500 InternalError because", None),
    (Response("<html>", 502), "s3: 502", None),
    (Response("<html>Sign in</html>", 200), "s3: a success that is no answer of an object store", None),
)


async def test_a_store_that_does_not_serve_us_holds_everything_back_and_says_why() -> None:
    store = Answering(*(answer for answer, _, _ in NOT_SERVED))
    async with store.listening() as address:
        outcomes = [await sent_to(s3_at(address)) for _ in NOT_SERVED]

    assert outcomes == [[Retry(words, after_s)] * 2 for _, words, after_s in NOT_SERVED]
    # Nobody tries again in between: whoever sends does.
    assert len(store.requests) == len(NOT_SERVED)


async def test_a_file_that_is_too_large_for_the_store_is_halved_until_one_entry_is_refused() -> None:
    fine, large = Response(""), refusal(400, "EntityTooLarge")
    store = Answering(large, large, large, fine, fine)
    async with store.listening() as address:
        outcomes = await sent_to(s3_at(address), 4)

    assert sorted(outcomes, key=str) == [*[Accepted()] * 3, Refused("s3: 400 EntityTooLarge because")]
    assert len(store.requests) == 5


async def test_what_may_be_there_is_written_again_as_it_was_whatever_comes_with_it() -> None:
    store = Answering(Response("", 500), refusal(503, "SlowDown"), Response(""))
    sent = items(4)
    async with store.listening() as address:
        sink = folder(FolderOptions(**s3_at(address)), CLOCK)
        outcomes = [await deliver(sink, batch) for batch in (sent[:3], sent[1:2], sent[2:], sent)]
        await sink.close()

    assert [type(outcome) for outcome in outcomes[0] + outcomes[1]] == [Retry] * 4
    assert outcomes[2] + outcomes[3] == [Accepted()] * 6
    first, second, third, last = ((request.url.path, body) for request, body in store.requests)
    assert first == second == third
    assert last[0] != first[0]


async def test_a_connection_that_is_cut_and_one_that_is_silent_are_tried_again() -> None:
    async with cutting(200) as address:
        cut = await sent_to(s3_at(address))
    # Nobody listens there any more.
    away = await sent_to(s3_at(address))

    assert [type(outcome) for outcome in [*cut, *away]] == [Retry] * 4
    assert cut[0].words.startswith("s3: ")


async def test_the_signature_is_that_which_another_implementation_makes() -> None:
    store = Answering(Response(""))
    changes = {"encryption": "aws:kms", "encryption_key": "arn:aws:kms:eu-west-1:123456789012:key/1-2"}
    async with store.listening() as address:
        options = s3_at(address) | {"url": "s3://made/a=b/~c"}
        options["s3"] |= {"session_token": "of-a-role", "region": "eu-west-1", **changes}
        assert await sent_to(options) == [Accepted()] * 2

    [(request, body)] = store.requests
    said = dict(request.headers)
    signed = said["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    path = request.scope["raw_path"].decode()
    again = AWSRequest("PUT", f"http://{said['host']}{path}", {name: said[name] for name in signed}, body)
    again.context["timestamp"] = said["x-amz-date"]
    by_others = S3SigV4Auth(Credentials(KEYS["access_key"], SECRET, "of-a-role"), "s3", "eu-west-1")
    text = by_others.string_to_sign(again, by_others.canonical_request(again))
    assert said["authorization"].rpartition("Signature=")[2] == by_others.signature(text, again)
    assert path.startswith("/made/a%3Db/~c/contoso/graph-signins/2026-11-23/")
    assert {"host", "x-amz-content-sha256", "x-amz-security-token", "x-amz-server-side-encryption"} <= set(signed)


@each(
    "options, base, prefix",
    [
        ({"region": "eu-west-1"}, "https://made.s3.eu-west-1.amazonaws.com", "/aoc/"),
        ({"region": "cn-north-1"}, "https://made.s3.cn-north-1.amazonaws.com.cn", "/aoc/"),
        ({"path_style": True}, "https://s3.us-east-1.amazonaws.com", "/made/aoc/"),
        ({"endpoint": "https://minio:9000/"}, "https://minio:9000", "/made/aoc/"),
        ({"endpoint": "https://s3.example", "path_style": False}, "https://made.s3.example", "/aoc/"),
    ],
)
def test_a_bucket_has_the_address_that_its_options_say(options, base, prefix) -> None:
    bucket = Bucket.of("made", "aoc/", S3Options(**options))

    assert (bucket.base, bucket.prefix, bucket.host) == (base, prefix, base.partition("//")[2])


@each(
    "options, words",
    [
        ({}, "path or url: one of them"),
        ({"path": "/a", "url": "s3://made/a"}, "path or url: one of them"),
        ({"url": "s3://Made"}, "url: expected s3://"),
        ({"url": "s3://made/../other"}, "url: expected s3://"),
        ({"url": "https://made.example"}, "url: expected s3://"),
        ({"url": "azure://account/container", "s3": KEYS}, "s3: belongs to a url with s3://"),
        ({"url": "s3://made", "azure": {"sas": "sig=a"}}, "azure: belongs to a url with azure://"),
        ({"path": "/a", "http": {"proxy": "http://proxy"}}, "http: a folder is not reached over HTTP"),
        ({"url": "s3://made", "s3": {"access_key": "a"}}, "access_key and secret_key belong together"),
        ({"url": "s3://made", "s3": {"encryption_key": "a"}}, "encryption_key belongs to encryption: aws:kms"),
        ({"url": "gs://made"}, "gs:// needs an HMAC key"),
        ({"url": "gs://made", "s3": KEYS | {"encryption": "AES256"}}, "s3.encryption: is not for gs://"),
        ({"url": "azure://account/made", "azure": {"sas": "a b"}}, "expected a shared access signature"),
        ({"url": "azure://account/made", "azure": {"endpoint": "https://a"}}, "Azure's own addresses only"),
    ],
)
def test_a_place_that_cannot_be_used_is_one_line(options, words) -> None:
    for kind in (FolderOptions, SecurityLakeOptions):
        with pytest.raises(ValidationError) as refused:
            kind.model_validate(options)
        [error] = refused.value.errors(include_input=False)
        assert words in error["msg"]


@each(
    "changes, words",
    [
        ({"s3": {"access_key": "AKIA", "secret_key": SECRET}}, "s3.access_key: must be a reference"),
        ({"http": {"allowed_networks": ["0.0.0.0/0"]}}, "the operator's"),
        (
            {"url": "azure://account/made", "azure": {"credential": {**APP, "federated_token_file": "/etc/hostname"}}},
            "SECRET_DIRECTORIES",
        ),
    ],
)
def test_what_the_operator_has_not_allowed_is_refused_without_a_secret(changes, words) -> None:
    sink = SinkSettings(name="a", kind="folder", options={"url": "s3://made"} | changes)
    with pytest.raises(BadConfiguration, match=words) as refused:
        make(sink, "contoso", ExportSettings(), CLOCK)

    assert SECRET not in str(refused.value)


@each("endpoint", ["http://127.0.0.1:9", "http://169.254.169.254", "http://10.0.0.1:9000", "https://[::1]"])
async def test_a_store_in_a_network_that_is_not_allowed_is_not_asked(endpoint) -> None:
    options = s3_at(endpoint) | {"http": {"timeout_s": 1}}

    words = f"{endpoint.partition('//')[2].partition(':9')[0].strip('[]')} is no public address, and no setting allows"
    assert [outcome.words for outcome in await sent_to(options)] == [f"{words} its network"] * 2


async def test_a_machine_without_an_identity_says_so(monkeypatch, tmp_path) -> None:
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    options = s3_at("http://127.0.0.1:9")
    options["s3"] = {"endpoint": "http://127.0.0.1:9"}
    [one, _] = await sent_to(options)

    assert (one.after_s, one.words.startswith("s3: no keys to sign with: ")) == (UNUSABLE_WAIT_S, True)


async def test_a_role_is_assumed_once_and_again_before_its_keys_end() -> None:
    clock, asked = ManualClock(datetime(2026, 11, 23, 8, tzinfo=UTC)), []
    texts = {"AccessKeyId": "ASIA1", "SecretAccessKey": SECRET, "SessionToken": "t/=", "Expiration": ""}

    async def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if len(asked) > 2:
            return httpx.Response(403, text="<Error><Code>AccessDenied</Code><Message>not you</Message></Error>")
        ends = f"2026-11-23T{8 + len(asked):02}:00:00Z"
        return httpx.Response(200, text="".join(f"<{k}>{v or ends}</{k}>" for k, v in texts.items()))

    def client() -> http.Client:
        return http.make_client(timeout_s=5, transport=httpx.MockTransport(answer))

    async def own() -> object:
        return keys_of(KEYS["access_key"], SECRET)

    options = S3Options(region="eu-west-1", role="arn:aws:iam::123456789012:role/a/b", external_id="x:1")
    keys = RoleKeys(options, Signer("sts", "eu-west-1", own, clock), client, clock)
    first, same = await keys.provider(), await keys.provider()
    clock.advance(3600 - 299)
    second = await keys.provider()
    clock.advance(3600)
    with pytest.raises(Unusable, match="the role is not given: sts: 403 AccessDenied not you"):
        await keys.provider()

    assert (first is same, second is first, len(asked)) == (True, False, 3)
    assert asked[0].url.host == "sts.eu-west-1.amazonaws.com"
    assert dict(asked[0].url.params) == {
        "Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": options.role,
        "RoleSessionName": "aoc-exporter", "ExternalId": "x:1",
    }  # fmt: skip
    assert "Credential=AKIAIOSFODNN7EXAMPLE/20261123/eu-west-1/sts/" in asked[0].headers["Authorization"]


async def test_azure_is_opened_by_a_signature_or_by_a_token_that_is_renewed_once() -> None:
    sas = "sv=2023-11-03&sp=cw&sig=abc%2Fdef%3D"
    store = Answering(Response("", 201), refusal(403, "AuthorizationPermissionMismatch"))
    async with store.listening() as address:
        azure = {"sas": sas, "endpoint": f"{address}/account", "encryption_scope": "aoc"}
        options = {"url": "azure://account/made/aoc", "azure": azure, "http": s3_at(address)["http"]}
        taken, refused = [await sent_to(options, count) for count in (1, 2)]
    tokens, asked = Tokens("old", "new"), []

    async def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(201 if request.headers["Authorization"] == "Bearer new" else 401)

    client = http.make_client(timeout_s=5, transport=httpx.MockTransport(answer))
    base = f"{AzureOptions(cloud='usgov').base('account')}/made"
    await AzureBlobs(base, "aoc/", AzureOptions(), client, tokens).put("a=b", b"1")

    assert taken == [Accepted()]
    assert refused == [Retry("azure: 403 AuthorizationPermissionMismatch because", UNUSABLE_WAIT_S)] * 2
    (request, _), _ = store.requests
    assert request.url.path.startswith("/account/made/aoc/contoso/graph-signins/2026-11-23/")
    assert request.url.query == sas
    assert (request.headers["x-ms-blob-type"], request.headers["x-ms-encryption-scope"]) == ("BlockBlob", "aoc")
    assert [str(one.url) for one in asked] == ["https://account.blob.core.usgovcloudapi.net/made/aoc/a%3Db"] * 2
