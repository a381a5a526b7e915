"""Signed packs: a signed note that names a pack, its version and the hash of its text, beside the text.

Source of the format: c2sp.org/signed-note, with Ed25519, as for the audit log.
"""

from __future__ import annotations

from collections.abc import Sequence

from graphsvc.core.audit.note import SigningKey, VerifierKey, open_note
from graphsvc.core.policy.document import Policy
from graphsvc.errors import BadInput, PolicyError

__all__ = ["sign_pack", "signer_of"]

_TITLE = "graphsvc policy pack"


def sign_pack(policy: Policy, key: SigningKey) -> str:
    """The note that vouches for a pack as it was loaded; kept in a file beside it."""
    return key.sign(_text(policy))


def signer_of(policy: Policy, signature: str, keys: Sequence[VerifierKey]) -> str:
    """The name of the trusted key that signed a pack; PolicyError (`signature`) when none did.

    signature: empty when there is none.
    """
    fix = "sign it with `graphsvc policy sign`, and name the key among the trusted ones"
    if not signature:
        raise _refused(policy, f"the pack `{policy.pack.id}` is not signed; {fix}")
    try:
        note = open_note(signature)
    except BadInput as error:
        raise _refused(policy, f"the signature of `{policy.pack.id}` {error}; sign it again") from None
    if note.text != _text(policy):
        raise _refused(
            policy, f"the signature is of another text than this of `{policy.pack.id}`; sign it again"
        )
    signer = next((key.name for key in keys if note.signed_by(key)), None)
    if signer is None:
        raise _refused(policy, f"no trusted key signed `{policy.pack.id}`; {fix}")
    return signer


def _text(policy: Policy) -> str:
    pack = policy.pack
    version = " ".join(pack.version.split())
    return f"{_TITLE}\n{pack.id}\n{version}\n{policy.source.sha256}\n"


def _refused(policy: Policy, message: str) -> PolicyError:
    line, column = policy.source.at("pack")
    return PolicyError(message, file=policy.source.file, line=line, column=column, rule="signature")
