"""Somebody who signs tokens: keys of every kind, their public set, and security event tokens."""

from __future__ import annotations

import itertools
import json
import time
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

CAEP = "https://schemas.openid.net/secevent/caep/event-type/"
RISC = "https://schemas.openid.net/secevent/risc/event-type/"
US = "https://graphsvc.example/ssf"
_numbers = itertools.count(1)


@dataclass
class Issuer:
    """An issuer with one key of each kind, named by its algorithm."""

    url: str = "https://idp.example"
    keys: dict[str, Any] = field(
        default_factory=lambda: {
            "RS256": rsa.generate_private_key(public_exponent=65_537, key_size=2_048),
            "ES256": ec.generate_private_key(ec.SECP256R1()),
            "EdDSA": ed25519.Ed25519PrivateKey.generate(),
        }
    )

    def jwks(self) -> dict[str, Any]:
        kinds: dict[str, Any] = {
            "RS256": jwt.algorithms.RSAAlgorithm,
            "ES256": jwt.algorithms.ECAlgorithm,
            "EdDSA": jwt.algorithms.OKPAlgorithm,
        }
        return {
            "keys": [
                {**json.loads(kinds[name].to_jwk(key.public_key())), "kid": name, "alg": name, "use": "sig"}
                for name, key in self.keys.items()
            ]
        }

    def sign(
        self, claims: dict[str, Any], *, algorithm: str = "RS256", typ: str = "JWT", **header: Any
    ) -> str:
        return jwt.encode(
            claims, self.keys[algorithm], algorithm, headers={"kid": algorithm, "typ": typ, **header}
        )

    def event(
        self, kind: str, subject: dict[str, Any], payload: dict[str, Any] | None = None, **more: Any
    ) -> dict[str, Any]:
        """Claims of a security event token."""
        return {
            "iss": self.url, "aud": US, "iat": int(time.time()), "jti": f"j{next(_numbers)}", "sub_id": subject,
            "events": {kind: payload or {}}, **more,
        }  # fmt: skip

    def token(
        self, subject: str, *roles: str, audience: str = "graphsvc", ttl_s: float = 600, **more: Any
    ) -> str:
        now = time.time()
        claims = {
            "iss": self.url,
            "aud": audience,
            "sub": subject,
            "roles": list(roles),
            "iat": int(now),
            "exp": int(now + ttl_s),
        }
        return self.sign({**claims, **more})
