"""How an app shows Entra ID its certificate: by an assertion that it signs itself. Pure.

Source: entra-docs, certificate-credentials.md. PyJWT with its cryptography is a dependency of the services that use it.
"""

from __future__ import annotations

import uuid
from base64 import urlsafe_b64encode
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes

if TYPE_CHECKING:
    from datetime import datetime

#: What a form names it (RFC 7523).
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LIFETIME: Final = timedelta(minutes=5)


def assertion(pem: str, client_id: str, audience: str, now: datetime) -> str:
    """The assertion. `pem`: the certificate and its key; `audience`: the address where a token is asked for.

    Raises `ValueError` where there is no usable pair; its text repeats nothing of it.
    """
    both = pem.encode()
    try:
        thumbprint = x509.load_pem_x509_certificate(both).fingerprint(hashes.SHA256())
        return jwt.encode(
            {
                "aud": audience,
                "iss": client_id,
                "sub": client_id,
                "jti": str(uuid.uuid4()),
                "nbf": now,
                "iat": now,
                "exp": now + _LIFETIME,
            },
            both,
            algorithm="PS256",
            headers={"x5t#S256": urlsafe_b64encode(thumbprint).rstrip(b"=").decode()},
        )
    except (ValueError, TypeError, jwt.PyJWTError):
        # Without the error's text: it can quote the key.
        raise ValueError("expected a certificate and an unencrypted RSA key in PEM") from None
