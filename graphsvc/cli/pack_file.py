"""Policy files with their signatures beside them, and the keys that sign."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from graphsvc.cli.file import read_texts
from graphsvc.core.audit.note import SigningKey
from graphsvc.core.policy.load import load_policy
from graphsvc.core.signature import sign_pack
from graphsvc.decide.trying import PackText
from graphsvc.errors import BadInput

__all__ = ["make_key", "read_key", "read_packs", "sign_file"]

_SUFFIX = ".sig"


def read_packs(paths: Sequence[Path]) -> list[PackText]:
    """Policy files, each with the text of FILE.sig where there is one."""
    packs = []
    for text, file in read_texts(paths):
        beside = Path(file + _SUFFIX)
        signature = beside.read_text("utf-8") if file != "-" and beside.is_file() else ""
        packs.append(PackText(text, file, signature))
    return packs


def make_key(name: str, path: Path) -> str:
    """A new private key in a file that only its owner reads; its public half as text. BadInput when the file exists."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    from graphsvc.core.audit.note import VerifierKey

    private = Ed25519PrivateKey.generate()
    key = SigningKey(name, private)
    # Whoever reads it back must be able to.
    VerifierKey.parse(str(key.verifier))
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        # Readable by its owner only from the first moment on.
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(f"{name}\n".encode() + pem)
    except FileExistsError:
        raise BadInput(f"`{path}` exists already; name another file", field="key") from None
    return str(key.verifier)


def read_key(path: Path) -> SigningKey:
    """A private key that `make_key` wrote; BadInput when it is none."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    from graphsvc.cli.file import read_bytes

    name, _, pem = read_bytes(str(path)).partition(b"\n")
    try:
        private = load_pem_private_key(pem, password=None)
    except ValueError:
        private = None
    if not isinstance(private, Ed25519PrivateKey):
        raise BadInput(f"`{path}` is no signing key; make one with --new NAME", field="key")
    return SigningKey(name.decode("utf-8", "replace"), private)


def sign_file(path: Path, key: SigningKey) -> str:
    """Write the signature of a policy file beside it; its name. PolicyError when the file does not load."""
    ((text, file),) = read_texts([path])
    beside = Path(file + _SUFFIX)
    beside.write_text(sign_pack(load_policy(text, file), key), encoding="utf-8")
    return str(beside)
