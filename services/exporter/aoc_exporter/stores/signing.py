"""Signatures of AWS (Signature Version 4), made by the AWS Common Runtime, and whose keys they are made with."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from aoc_common.errors import Unreachable
from aoc_common.outbound.refusals import Unusable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from aoc_common.clock import Clock

#: The machine's identity is next door; that of a workload is a request to AWS.
_KEYS_S: Final = 20.0

type Keys = Callable[[], Awaitable[Any]]
"""Gives the provider of the keys to sign with, of the AWS Common Runtime. Raises `Transient`."""


class Signer:
    """Signs requests to one service in one region."""

    def __init__(self, service: str, region: str, keys: Keys, clock: Clock) -> None:
        from awscrt import auth

        self._auth = auth
        self._service = service
        self._region = region
        self._keys = keys
        self._clock = clock

    async def signed(self, method: str, path: str, headers: Mapping[str, str], digest: str) -> dict[str, str]:
        """The headers of a request, its signature among them. `digest`: SHA-256 of its body, in hexadecimal.

        `path`: as it stands in the address, with the query. Raises `Unusable` without keys.
        """
        from awscrt.exceptions import AwsCrtError
        from awscrt.http import HttpHeaders, HttpRequest

        auth = self._auth
        config = auth.AwsSigningConfig(
            algorithm=auth.AwsSigningAlgorithm.V4,
            signature_type=auth.AwsSignatureType.HTTP_REQUEST_HEADERS,
            credentials_provider=await self._keys(),
            region=self._region,
            service=self._service,
            date=self._clock.now(),
            # S3 signs the path as it is.
            use_double_uri_encode=False,
            should_normalize_uri_path=False,
            signed_body_value=digest,
            signed_body_header_type=auth.AwsSignedBodyHeaderType.X_AMZ_CONTENT_SHA_256,
        )
        request = HttpRequest(method, path, HttpHeaders(list(headers.items())))
        try:
            async with asyncio.timeout(_KEYS_S):
                made = await asyncio.wrap_future(auth.aws_sign_request(request, config))
        except AwsCrtError as error:
            raise Unusable(f"{self._service}: no keys to sign with: {error.name}") from None
        except TimeoutError:
            raise Unreachable(f"{self._service}: no keys to sign with within {_KEYS_S:g} s") from None
        return dict(made.headers)


def keys_of(access_key: str, secret_key: str, session_token: str | None = None) -> Any:
    """A provider of these keys."""
    from awscrt.auth import AwsCredentialsProvider

    return AwsCredentialsProvider.new_static(access_key, secret_key, session_token)


@cache
def keys_of_machine() -> Any:
    """The provider that AWS's own programs use: environment, profile, web identity, container, instance.

    One for all destinations, since it keeps keys and renews them.
    """
    from awscrt.auth import AwsCredentialsProvider

    return AwsCredentialsProvider.new_default_chain()
