"""Who calls: local development tokens, their key, and their verification."""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol, TypeGuard

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from starlette.datastructures import Headers

from graphsvc.api.token_register import KEY_FILE, IssuedToken, TokenRegister, key_id
from graphsvc.decide.command import Caller
from graphsvc.errors import BadInput, GraphsvcError, SettingsError

__all__ = [
    "ROLES",
    "Authenticator",
    "Login",
    "OpenDoor",
    "TokenVerifier",
    "Unauthenticated",
    "authorization_of",
    "issue_token",
    "local_key",
    "rotate_key",
]

ROLES = frozenset({"pep", "analyst", "approver", "auditor", "admin"})
_ISSUER = "graphsvc-local"
_AUDIENCE = "graphsvc"
# Fixed on purpose: a token never chooses how it is verified.
_ALGORITHMS = ["EdDSA"]
_MAX_REMEMBERED = 1024


class Unauthenticated(GraphsvcError):  # named like its siblings
    """There is no token, or it is expired, forged or meant for somebody else."""

    code = "unauthenticated"
    exit_code = 3


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """A verified token. expires_s: Unix seconds from which it counts no longer, None = never.

    id, issued_s, key: of a local token, by which it can be taken back. session: of a browser, from its cookie.
    """

    caller: Caller
    expires_s: float | None = None
    id: str = ""
    issued_s: float = 0
    key: str | None = None
    session: bool = False


def authorization_of(headers: Headers) -> str | None:
    """The `Authorization` value; Unauthenticated when there are two, of which readers would take different ones."""
    found = headers.getlist("authorization")
    if len(found) > 1:
        raise Unauthenticated("the header `Authorization` stands twice; send one token")
    return found[0] if found else None


class Authenticator(Protocol):
    """Turns an `Authorization` value into a login."""

    def login(self, authorization: str | None) -> Login:
        """The login of `Bearer <token>`; Unauthenticated says what is wrong."""

    def holds(self, login: Login) -> bool:
        """Whether a login that has not expired still counts: tokens can be taken back."""


class OpenDoor:
    """Authentication switched off: everybody is `local` and may do everything (loopback only)."""

    def login(self, authorization: str | None) -> Login:
        """Always the same login."""
        return Login(caller=Caller(subject="local", roles=ROLES, scopes=frozenset({"chain:any", "search"})))

    def holds(self, login: Login) -> bool:
        """Always."""
        return True


class TokenVerifier:
    """Verifies tokens that `issue_token` signed with the same key.

    register: knows the keys that count and what was taken back; None: `key` counts, and nothing can be taken back.
    audience: what the tokens are for; none of another counts.
    """

    def __init__(
        self, key: Ed25519PrivateKey, register: TokenRegister | None = None, *, audience: str = _AUDIENCE
    ) -> None:
        self._audience = audience
        self._public = key.public_key()
        self._register = register
        # Verifying a signature costs more than the decision; what was verified stays so until it expires.
        self._verified: OrderedDict[str, Login] = OrderedDict()

    def login(self, authorization: str | None) -> Login:
        """The login of `Bearer <token>`; Unauthenticated says what is wrong."""
        if not authorization:
            raise Unauthenticated(
                "a token is needed: send `Authorization: Bearer <token>`, made by `graphsvc token`"
            )
        known = self._verified.get(authorization)
        if known is not None and known.expires_s is not None and time.time() < known.expires_s:
            self._check(known)
            return known
        login = self._verify(authorization)
        self._check(login)
        self._verified[authorization] = login
        if len(self._verified) > _MAX_REMEMBERED:
            self._verified.popitem(last=False)
        return login

    def holds(self, login: Login) -> bool:
        """Whether it was not taken back since."""
        return self._register is None or self._register.holds(login.id, login.issued_s, login.key)

    def _check(self, login: Login) -> None:
        if not self.holds(login):
            raise Unauthenticated("the token was taken back; make a new one with `graphsvc token`")

    def _key_of(self, token: str) -> tuple[str | None, Ed25519PublicKey]:
        if self._register is None:
            return None, self._public
        name = jwt.get_unverified_header(token).get("kid")
        key = self._register.key(name if isinstance(name, str) else None)
        if key is None:
            raise Unauthenticated("the token was signed by a key that no longer counts; make a new one")
        return key_id(key), key

    def _verify(self, authorization: str) -> Login:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthenticated("the Authorization value must be `Bearer <token>`")
        try:
            name, public = self._key_of(token.strip())
            claims = jwt.decode(
                token.strip(),
                public,
                algorithms=_ALGORITHMS,
                audience=self._audience,
                issuer=_ISSUER,
                options={"require": ["exp", "iat", "sub", "jti"]},
            )
        except jwt.ExpiredSignatureError:
            raise Unauthenticated("the token has expired; make a new one with `graphsvc token`") from None
        except jwt.PyJWTError:
            raise Unauthenticated("the token was not signed by this service or is damaged") from None
        roles, subjects = claims.get("roles"), claims.get("subjects", ["*"])
        if not _texts(roles) or not _texts(subjects) or not isinstance(claims.get("scope", ""), str):
            raise Unauthenticated("the token's claims are malformed; make a new one with `graphsvc token`")
        caller = Caller(
            subject=claims["sub"],
            roles=frozenset(roles) & ROLES,
            scopes=frozenset(claims.get("scope", "").split()),
            subjects=tuple(subjects),
        )
        return Login(
            caller=caller,
            expires_s=float(claims["exp"]),
            id=str(claims["jti"]),
            issued_s=float(claims["iat"]),
            key=name,
            session=self._audience != _AUDIENCE,
        )


def local_key(state_dir: Path) -> Ed25519PrivateKey:
    """The key in `state_dir`, made on first use, readable by its owner only; SettingsError if it is not."""
    path = state_dir / KEY_FILE
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _write_key(path)
        if path.stat().st_mode & 0o077:
            raise SettingsError(f"`{path}` can be read by others; run `chmod 600 {path}`")
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise SettingsError(
            f"`{path}` cannot be used: {error.strerror}; choose another GRAPHSVC_STATE_DIR"
        ) from error
    except ValueError:
        raise SettingsError(f"`{path}` holds no private key; remove it and a new one is made") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError(f"`{path}` holds no Ed25519 key; remove it and a new one is made")
    return key


def issue_token(
    key: Ed25519PrivateKey,
    *,
    subject: str,
    roles: Iterable[str],
    scopes: Iterable[str] = (),
    subjects: Iterable[str] = ("*",),
    ttl_s: float = 3600.0,
    register: TokenRegister | None = None,
    audience: str = _AUDIENCE,
) -> str:
    """A signed token; BadInput for an unknown role or an empty subject. ttl_s: seconds from now.

    register: where it is noted, without itself.
    """
    wanted, scopes, subjects = sorted(set(roles)), tuple(scopes), tuple(subjects)
    if unknown := [role for role in wanted if role not in ROLES]:
        raise BadInput(f"`{unknown[0]}` is none of the roles {', '.join(sorted(ROLES))}", field="role")
    if not wanted:
        raise BadInput("a token needs at least one role", field="role")
    if not subject:
        raise BadInput("a token needs a subject, the name of who calls", field="subject")
    now = time.time()
    claims = {
        "iss": _ISSUER,
        "aud": audience,
        "sub": subject,
        "roles": wanted,
        "scope": " ".join(sorted(set(scopes))),
        "subjects": list(subjects),
        "iat": int(now),
        "exp": int(now + ttl_s),
        "jti": str(uuid.uuid4()),
    }
    name = key_id(key)
    if register is not None:
        row = IssuedToken(
            id=str(claims["jti"]),
            subject=subject,
            roles=tuple(wanted),
            scopes=tuple(sorted(set(scopes))),
            subjects=tuple(subjects),
            issued_s=int(now),
            expires_s=int(now + ttl_s),
            key=name,
        )
        register.add(row)
    return jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": name})


def rotate_key(state_dir: Path, register: TokenRegister, *, at_once: bool) -> str:
    """Put a new signing key in the place of the old one; its id. at_once: tokens of older keys end now."""
    old = local_key(state_dir)
    if at_once:
        register.forget_retired()
    else:
        register.retire(old.public_key())
    _write_key(state_dir / KEY_FILE, replace=True)
    return key_id(local_key(state_dir))


def _write_key(path: Path, *, replace: bool = False) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    # Written aside and linked: two processes that start at once end up with one whole key.
    aside = path.with_name(f".{path.name}.{os.getpid()}.{uuid.uuid4().hex}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
        if replace:
            aside.replace(path)
            return
        with contextlib.suppress(FileExistsError):
            os.link(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def _texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
