"""What the offline check says of an export: each way in which one can be wrong, told in words."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from graphsvc.core.audit.bundle import FORMAT, Checked, check_bundle, leaves_of
from graphsvc.core.audit.key import KeyHistory, endorse
from graphsvc.core.audit.leaf import leaf_hash
from graphsvc.core.audit.merkle import EMPTY_ROOT, Tree, is_consistent, root_of
from graphsvc.core.audit.note import SigningKey, VerifierKey, checkpoint_text, open_note
from graphsvc.core.audit.report import Summary
from graphsvc.core.audit.truncation import open_statement, sign_statement
from graphsvc.errors import BadInput

ORIGIN = "log.example"


def key(seed: int) -> SigningKey:
    return SigningKey(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


FIRST, SECOND, STRANGER = key(1), key(2), key(3)


class Export(NamedTuple):
    """What an export holds; tests replace a part of it."""

    leaves: list[bytes]
    listed: list[bytes] | None
    checkpoint: str
    keys: bytes
    proofs: dict[str, Any]
    pinned: VerifierKey | None = FIRST.verifier

    def check(self) -> Checked:
        return check_bundle(*self[:4], json.dumps(self.proofs), self.pinned)


def tree_of(count: int) -> Tree:
    tree = Tree()
    tree.extend(b"".join(leaves_of(b"line %d" % number for number in range(count))))
    return tree


def text(hashes: list[bytes]) -> list[str]:
    return [base64.b64encode(each).decode() for each in hashes]


def signed(size: int, by: SigningKey = FIRST, root: bytes | None = None) -> str:
    return by.sign(checkpoint_text(ORIGIN, size, tree_of(size).root() if root is None else root))


def export(size: int = 7, first: int = 2, last: int = 5) -> Export:
    """Records `first` to `last` of a log of `size`, with an earlier checkpoint of three."""
    tree = tree_of(size)
    leaves = [tree.leaf(number) for number in range(first - 1, last)]
    earlier = [{"checkpoint": signed(3), "consistency": text(tree.consistency(3))}] if size > 3 else []
    proofs = {
        "format": FORMAT, "first": first, "last": last, "size": size,
        "range_proof": text(tree.range_proof(first - 1, last)) if size else [], "earlier": earlier,
    }  # fmt: skip
    return Export(leaves, list(leaves), signed(size), KeyHistory.first(FIRST.verifier).to_json(), proofs)


def with_proofs(**changes: Any) -> Export:
    held = export()
    return held._replace(proofs={**held.proofs, **changes})


def test_a_genuine_part_is_found_genuine() -> None:
    """Nothing wrong; it is a part, signed by the key that the reader trusts."""
    found = export().check()
    assert (found.problems, found.changed) == ([], [])
    assert found.ok
    assert not found.is_complete
    assert found.is_pinned
    assert (found.origin, found.size, found.first, found.last) == (ORIGIN, 7, 2, 5)
    assert found.key == str(FIRST.verifier)
    assert export(first=1, last=7).check().is_complete
    unpinned = export()._replace(pinned=None).check()
    assert (unpinned.ok, unpinned.is_pinned) == (True, False)


def test_the_leaf_hash_of_a_line_is_that_of_the_tree() -> None:
    """Leaves are computed from lines without their line ends."""
    assert leaves_of([b"a", b"b"]) == [leaf_hash(b"a"), leaf_hash(b"b")]
    assert root_of([]) == EMPTY_ROOT == Tree().root()


def test_an_empty_log_has_one_root() -> None:
    """Nothing recorded is an export too, and no other root will do."""
    empty = export(0, 1, 0)
    assert empty.check().ok
    forged = empty._replace(checkpoint=signed(0, root=bytes(32))).check()
    assert forged.problems == ["the checkpoint of an empty log has another root"]


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (lambda: export()._replace(checkpoint="nothing"), "checkpoint.txt "),
        (lambda: with_proofs(format="other-2"), f"proofs.json has the format `other-2`; this version reads {FORMAT}"),
        (lambda: with_proofs(first="two"), "proofs.json is malformed: "),
        (lambda: with_proofs(size=8), "proofs.json is of a log of 8 records, the checkpoint of 7"),
        (lambda: with_proofs(range_proof=["AA=="]), "proofs.json holds a hash that is not 32 bytes of base64"),
        (lambda: with_proofs(range_proof=["!"]), "proofs.json holds a hash that is not 32 bytes of base64"),
        (
            lambda: export()._replace(checkpoint=signed(7, STRANGER)),
            "the checkpoint is not signed by a key of the log that was in use at its size",
        ),
        (lambda: export()._replace(pinned=STRANGER.verifier), f"the key `{STRANGER.verifier}` is none of the keys of this log"),
        (lambda: export()._replace(keys=b"{}"), "the key file is no list of keys: "),
        (
            lambda: with_proofs(earlier=[{"checkpoint": "nothing", "consistency": []}]),
            "an earlier checkpoint ",
        ),
        (
            lambda: with_proofs(earlier=[{"checkpoint": signed(3, STRANGER), "consistency": []}]),
            "the earlier checkpoint of 3 records is not signed by a key of this log",
        ),
        (
            lambda: with_proofs(earlier=[{"checkpoint": signed(3), "consistency": []}]),
            "the log does not continue the earlier checkpoint of 3 records",
        ),
        (
            lambda: with_proofs(earlier=[{"checkpoint": signed(3), "consistency": ["!"]}]),
            "the log does not continue the earlier checkpoint of 3 records",
        ),
    ],
)  # fmt: skip
def test_whatever_is_forged_is_a_problem_and_never_an_error(broken: Callable[[], Export], told: str) -> None:
    """Each is told by the file it lies in and what is wrong there."""
    problems = broken().check().problems
    assert any(problem.startswith(told) for problem in problems), problems


def test_changed_records_are_named_as_far_as_can_be_told() -> None:
    """With genuine leaves beside them by number, the first twenty of many; without, that nobody can tell."""
    held = export()
    changed = held._replace(leaves=[held.leaves[0], bytes(32), *held.leaves[2:]]).check()
    assert (changed.changed, changed.problems) == (
        [3],
        ["the records are not those that were signed: at record 3"],
    )
    missing = held._replace(leaves=held.leaves[:2]).check()
    assert missing.changed == [4]
    assert missing.problems[0] == "there are 2 records, and there should be 4"
    unlisted = held._replace(leaves=[bytes(32)] * 4, listed=None).check()
    assert unlisted.problems == [
        "the records are not those that were signed; which of them cannot be told, for leaves.txt does not fit either"
    ]
    both = held._replace(leaves=[bytes(32)] * 4, listed=[bytes(32)] * 4).check()
    assert both.problems == unlisted.problems
    many = export(30, 1, 30)
    told = many._replace(leaves=[bytes(32)] * 30).check()
    assert len(told.changed) == 30
    assert told.problems[0].endswith("18, 19, 20 and more")


def test_leaves_that_do_not_list_genuine_records_are_told() -> None:
    """The lines alone decide."""
    held = export()
    found = held._replace(listed=held.leaves[::-1]).check()
    assert found.problems == ["leaves.txt does not list the leaves of these records; the records are genuine"]
    assert held._replace(listed=None).check().ok


def test_a_number_too_many_is_told_though_the_leaves_fit() -> None:
    """Records and their number belong together."""
    found = with_proofs(last=6).check()
    assert "there are 4 records, and there should be 5" in found.problems


def test_a_retired_key_signs_nothing_later_and_a_new_one_nothing_earlier() -> None:
    """Both sign at the size where one takes over from the other."""
    history = endorse(KeyHistory.first(FIRST.verifier), FIRST, SECOND, 5)
    assert history.newest == SECOND.verifier
    held = export()._replace(keys=history.to_json(), pinned=FIRST.verifier)
    assert held._replace(checkpoint=signed(7, SECOND)).check().ok
    assert not held.check().ok
    small = export(4, 1, 4)._replace(keys=history.to_json())
    assert small.check().ok
    assert not small._replace(checkpoint=signed(4, SECOND)).check().ok


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([], "holds no key"),
        ([{"key": "what"}], "`what` is no Ed25519 verifier key"),
        ([{"key": str(FIRST.verifier), "since": 3}], "which is not the log's first key"),
        ([{"key": str(FIRST.verifier), "endorsement": "x"}], "which is not the log's first key"),
        ([{"key": str(FIRST.verifier)}, {"key": str(SECOND.verifier), "since": 3}], "does not vouch for"),
        (
            [
                {"key": str(FIRST.verifier)},
                {"key": str(SECOND.verifier), "since": 3, "endorsement": FIRST.sign("else\n")},
            ],
            "does not vouch for",
        ),
    ],
)
def test_a_row_of_keys_that_does_not_fit_together_is_refused(rows: list[dict[str, Any]], told: str) -> None:
    """Whoever writes keys into the file cannot make them trusted."""
    with pytest.raises(BadInput, match="the key file") as caught:
        KeyHistory.parse(json.dumps({"keys": rows}))
    assert told in str(caught.value)
    assert caught.value.field == "keys"


def test_a_proof_of_impossible_sizes_proves_nothing() -> None:
    """A log cannot continue a longer one, nor a short proof a long one."""
    old, new = tree_of(3), tree_of(7)
    proof = new.consistency(3)
    assert is_consistent(3, 7, old.root(), new.root(), proof)
    assert not is_consistent(8, 7, old.root(), new.root(), proof)
    assert not is_consistent(3, 7, old.root(), new.root(), [])
    assert not is_consistent(3, 7, old.root(), new.root(), [*proof, proof[0], proof[0]])


def test_a_note_without_end_is_refused() -> None:
    """A checkpoint is a few hundred characters."""
    with pytest.raises(BadInput, match="longer than"):
        open_note("x" * 1_000_001)


def test_long_lists_of_a_report_are_cut_and_say_so() -> None:
    """The newest are listed, the number left out is told; reviews are timed from the question to the answer."""
    summary = Summary()
    for number in range(3_000):
        summary.add(
            {"kind": "revoked", "at_ms": number, "by": "dana", "grant": f"g{number}", "reason": "over"}
        )
    decided = {
        "kind": "decided", "at_ms": 10, "answered": "ESCALATE", "verdict": "ESCALATE", "decision": "d1", "action": "a",
        "by": "gateway-1", "subject": {"id": "bot"}, "on_behalf_of": [], "resource": {"id": "r", "type": "t"},
        "completions": [], "grants": [],
        "reasons": [{"code": "risk_threshold", "verdict": "ESCALATE"}],
    }  # fmt: skip
    summary.add(decided)
    summary.add({**decided, "decision": "d2", "at_ms": 20})
    summary.add({"kind": "approved", "at_ms": 70, "decision": "d1", "person": {"id": "dana"}})
    summary.add({"kind": "rejected", "at_ms": 80, "decision": "other", "person": {"id": "dana"}})
    summary.add({"kind": "cancelled", "at_ms": 90})
    report = summary.report()
    assert report.left_out["rights"] == 3_000 - len(report.rights)
    assert report.rights[-1].target == "g2999"
    assert (report.reviews, report.review_wait_ms) == ({"approved": 1, "rejected": 1, "unanswered": 1}, 60)
    assert (report.reviewers, report.cancelled) == ({"dana": 2}, 1)
    assert report.reasons == {"risk_threshold": 2}
    for number in range(300):
        summary.add({**decided, "decision": f"n{number}"})
    report = summary.report()
    assert (report.refused[-1].decision, len(report.refused), report.left_out["refused"]) == (
        "n299",
        200,
        102,
    )
    assert report.refused[0].rules == ("risk_threshold",)


def cut_off(removed: int = 2, size: int = 7, by: SigningKey = FIRST, **changes: Any) -> dict[str, Any]:
    """What an export says of records that were cut off: a signed statement, and that the log goes on from it."""
    tree = tree_of(size)
    digest = {"state": "0" * 64, "archive": "0" * 64, **changes}
    statement = sign_statement(
        by,
        removed=removed,
        size=size,
        at="2026-11-23T10:00:00Z",
        frontier=tuple(tree.frontier(removed)),
        **digest,
    )
    return {"statement": statement.text, "consistency": text(tree.consistency(removed))}


@pytest.mark.parametrize(
    ("truncated", "told"),
    [
        (lambda: cut_off(1), []),
        (lambda: cut_off(1, by=STRANGER), ["the statement of truncation is not signed by a key of this log"]),
        (lambda: cut_off(2), ["the statement says that record 2 was cut off, and it is here"]),
        (
            lambda: {**cut_off(1), "consistency": []},
            ["the log does not continue the 1 records that the statement says were cut off"],
        ),
    ],
)  # fmt: skip
def test_a_statement_of_truncation_is_checked(
    truncated: Callable[[], dict[str, Any]], told: list[str]
) -> None:
    """Records that are not here must have been cut off, by the log itself and before those that are."""
    assert with_proofs(truncated=truncated()).check().problems == told


def test_what_is_neither_here_nor_cut_off_is_missing() -> None:
    """An export that must be whole tells what lies before it and behind it, each by itself."""
    before = "records 1 to 1 are not here, and no signed statement says that they were cut off"
    for held, told in (
        (export(), [before, "records 6 to 7 are not here"]),
        (export(first=1), ["records 6 to 7 are not here"]),
        (export(last=7), [before]),
        (export(first=1, last=7), []),
    ):
        found = check_bundle(*held[:4], json.dumps(held.proofs), held.pinned, whole=True)
        assert found.problems == told


def _statement(change: Callable[[list[str]], list[str]]) -> str:
    lines = open_note(cut_off(3)["statement"]).text.removesuffix("\n").split("\n")
    return FIRST.sign("\n".join(change(lines)) + "\n")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda lines: ["another title", *lines[1:]], "it does not begin with its title"),
        (lambda lines: [*lines[:4], "AAAA", *lines[5:]], "a hash is not 32 bytes of base64"),
        (lambda lines: [*lines[:4], "!", *lines[5:]], "a hash is not 32 bytes of base64"),
        (lambda lines: [*lines[:6], "no digest", *lines[7:]], "it does not name the state and the archive"),
        (lambda lines: [*lines[:2], "9", *lines[3:]], "its hashes are not those of 9 records"),
        (lambda lines: lines[:-1], "its hashes are not those of 3 records"),
        (lambda lines: [*lines[:-1], lines[4]], "its hashes do not lead to its root"),
    ],
)
def test_a_statement_that_does_not_fit_itself_is_none(
    change: Callable[[list[str]], list[str]], told: str
) -> None:
    """Every line of it means something, and all must agree, whoever signed it."""
    with pytest.raises(BadInput, match=told):
        open_statement(_statement(change))
