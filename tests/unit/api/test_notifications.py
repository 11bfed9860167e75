from __future__ import annotations

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aoc_api.webhooks.content import Decryption
from aoc_api.webhooks.notifications import EncryptedContent, read_batch, read_content, read_validation_code
from aoc_common.errors import Malformed

_NAMES = st.sampled_from(
    [
        "value",
        "validationTokens",
        "subscriptionId",
        "clientState",
        "tenantId",
        "resourceData",
        "encryptedContent",
        "lifecycleEvent",
        "contentType",
        "contentId",
        "validationCode",
    ]
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES | st.text(max_size=5), inner, max_size=5),
    max_leaves=25,
)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(_JSON.map(orjson.dumps) | st.binary(max_size=200))
@pytest.mark.parametrize("read", [read_batch, read_content, read_validation_code])
def test_whatever_is_sent_is_read_or_malformed_and_the_reason_repeats_nothing_of_it(read, body):
    reason = ""
    try:
        read(body)
    except Malformed as error:
        reason = str(error)

    assert reason.isascii()
    assert len(reason) < 200


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=50), st.text(max_size=50), st.text(max_size=50))
def test_whatever_is_encrypted_for_nobody_is_malformed(data, signature, key):
    content = EncryptedContent(dataSignature=signature, dataKey=key, data=data, encryptionCertificateId="c1")

    with pytest.raises(Malformed):
        Decryption({}).open(content)
