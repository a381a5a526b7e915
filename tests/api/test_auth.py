"""The local signing key and the tokens it signs."""

import stat
import time
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from graphsvc.api.auth import TokenVerifier, Unauthenticated, issue_token, local_key
from graphsvc.errors import BadInput, SettingsError


def test_the_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    """The second call finds the first one's key; neither file nor directory is open to others."""
    folder = tmp_path / "state"
    token = issue_token(local_key(folder), subject="ops", roles=["admin"])
    caller = TokenVerifier(local_key(folder)).login(f"Bearer {token}").caller
    assert (caller.subject, caller.roles) == ("ops", frozenset({"admin"}))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()] == [0o600]


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """Loose permissions and broken files are errors that name the file and the fix."""
    local_key(tmp_path)
    (file,) = tmp_path.iterdir()
    file.chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        local_key(tmp_path)
    file.chmod(0o600)
    file.write_text("not a key")
    with pytest.raises(SettingsError, match="remove it"):
        local_key(tmp_path)


def test_a_token_carries_what_was_asked() -> None:
    """Roles, scopes and subjects come back; unknown roles and nameless callers are not issued."""
    key = Ed25519PrivateKey.generate()
    token = issue_token(
        key, subject="g", roles=["pep", "pep"], scopes=["search"], subjects=["mail-*"], ttl_s=60
    )
    login = TokenVerifier(key).login(f"bearer {token}")
    assert login.caller.scopes == {"search"}
    assert login.caller.subjects == ("mail-*",)
    assert login.expires_s is not None
    for subject, roles in (("g", ["root"]), ("g", []), ("", ["pep"])):
        with pytest.raises(BadInput):
            issue_token(key, subject=subject, roles=roles)


@pytest.mark.parametrize(
    "change",
    [{"iss": "other"}, {"aud": "other"}, {"roles": "admin"}, {"roles": None}, {"sub": None}, {"exp": None}, {"jti": None},
     {"subjects": "*"}, {"scope": 3}],
)  # fmt: skip
def test_malformed_claims_are_refused(change: dict[str, object]) -> None:
    """A token signed by the right key still needs each claim, in its form, from this issuer."""
    key = Ed25519PrivateKey.generate()
    claims = jwt.decode(issue_token(key, subject="g", roles=["pep"]), options={"verify_signature": False})
    changed = {name: value for name, value in {**claims, **change}.items() if value is not None}
    with pytest.raises(Unauthenticated):
        TokenVerifier(key).login("Bearer " + jwt.encode(changed, key, algorithm="EdDSA"))


def test_the_algorithm_is_not_the_tokens_choice() -> None:
    """A token that asks for another algorithm is refused, whatever it is signed with."""
    key = Ed25519PrivateKey.generate()
    claims = jwt.decode(issue_token(key, subject="g", roles=["admin"]), options={"verify_signature": False})
    for token in (jwt.encode(claims, "", algorithm="none"), jwt.encode(claims, "x" * 64, algorithm="HS256")):
        with pytest.raises(Unauthenticated):
            TokenVerifier(key).login(f"Bearer {token}")


def test_a_remembered_token_still_expires() -> None:
    """What was verified once is refused from the moment it expires."""
    key = Ed25519PrivateKey.generate()
    verifier = TokenVerifier(key)
    value = "Bearer " + issue_token(key, subject="g", roles=["pep"], ttl_s=1.5)
    assert verifier.login(value) is verifier.login(value)
    time.sleep(2)
    with pytest.raises(Unauthenticated, match="expired"):
        verifier.login(value)
