"""Signed notes: the published example, forged and malformed ones."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from graphsvc.core.audit.note import SigningKey, VerifierKey, checkpoint_text, open_checkpoint, open_note
from graphsvc.errors import BadInput

# From the documentation of the first implementation, golang.org/x/mod/sumdb/note.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
EXAMPLE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def key(name: str = "log.example", seed: int = 1) -> SigningKey:
    return SigningKey(name, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


def test_the_published_example_verifies() -> None:
    """A note signed by another implementation is accepted under its published key, and with a changed word not."""
    verifier = VerifierKey.parse(PETER)
    assert str(verifier) == PETER
    assert open_note(EXAMPLE).signed_by(verifier)
    assert not open_note(EXAMPLE.replace("answer", "Answer")).signed_by(verifier)


def test_a_checkpoint_is_three_lines() -> None:
    """Origin, size, root; what was signed is read back."""
    mine = key()
    note = mine.sign(checkpoint_text("log.example/1", 12, bytes(32)))
    assert note.split("\n")[:4] == ["log.example/1", "12", base64.b64encode(bytes(32)).decode(), ""]
    read = open_checkpoint(note)
    assert (read.origin, read.size, read.root) == ("log.example/1", 12, bytes(32))
    assert read.note.signed_by(mine.verifier)
    assert VerifierKey.parse(str(mine.verifier)) == mine.verifier


def test_a_note_is_text() -> None:
    """Bytes of another encoding are told so, whatever they would say."""
    assert open_note(EXAMPLE.encode()) == open_note(EXAMPLE)
    with pytest.raises(BadInput, match="it is not UTF-8"):
        open_note(EXAMPLE.encode("latin-1", "replace") + b"\xff")


def test_only_the_named_key_counts() -> None:
    """Another key, the same key under another name, and one genuine line beside a forged one are all refused."""
    mine, text = key(), checkpoint_text("o", 1, bytes(32))
    note = mine.sign(text)
    assert not open_note(note).signed_by(key(seed=2).verifier)
    assert not open_note(note).signed_by(key("other").verifier)
    forged = note + "\u2014 log.example " + base64.b64encode(mine.verifier.hint + bytes(64)).decode() + "\n"
    assert not open_note(forged).signed_by(mine.verifier)
    both = note + key("witness", 3).line(text)
    assert open_note(both).signed_by(mine.verifier)
    assert open_note(both).signed_by(key("witness", 3).verifier)


@pytest.mark.parametrize(
    "broken",
    [
        "", "x", "text\n", "text\n\n", "text\n\nno dash AAAA\n", "text\n\n\u2014 name !!!\n", "a\x07b\n\n\u2014 n AAAAAAAA\n",
        "text\n\n\u2014 n AAAAAAAA", "text\n\n\u2014 two words AAAAAAAA\n",
    ],
)  # fmt: skip
def test_what_is_no_note_is_refused(broken: str) -> None:
    """Each with a reason that names the field."""
    with pytest.raises(BadInput) as caught:
        open_note(broken)
    assert caught.value.field == "note"


@pytest.mark.parametrize(
    "text",
    ["o\n1\n", "o\n01\nAAAA\n", "o\n-1\n" + "A" * 44 + "\n", "\n1\n" + "A" * 43 + "=\n", "o\n1\nAAAA\n"],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    """A signature does not make a checkpoint of any text."""
    with pytest.raises(BadInput):
        open_checkpoint(key().sign(text))


def test_a_damaged_key_is_refused() -> None:
    """The hint is a check sum of the key's text."""
    for broken in (PETER[:-4], PETER.replace("c74f20a3", "c74f20a4"), PETER.replace("Peter", "Paul"), ""):
        with pytest.raises(BadInput):
            VerifierKey.parse(broken)
