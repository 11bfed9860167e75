"""The public keys that signed reports of completeness are checked with."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from aoc_api import problems
from aoc_api.deps import ServicesDep
from aoc_api.parameters import refuse_unknown
from aoc_common.contracts.report_keys import published_jwk
from aoc_common.gateway.report_keys import ReportKeys

router = APIRouter(prefix="/api/report-keys", tags=["operations"], dependencies=[Depends(refuse_unknown)])


@router.get(
    "",
    response_model=ReportKeys,
    responses=problems.responses("repeated", "invalid-parameters", "unavailable"),
)
async def report_keys(services: ServicesDep) -> ReportKeys:
    """Every key that reports were ever signed with, as a JWK Set (RFC 7517), the newest first.

    Take it over a way that you trust, compare the fingerprint (`kid`) with the signer's, and keep it:
    `aoc completeness --check FILE --key file:KEYS`.
    """
    return ReportKeys.model_validate({"keys": [published_jwk(key) for key in await services.keys.published()]})
