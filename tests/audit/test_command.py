"""The commands as an operator and an auditor use them."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from pathlib import Path

import msgspec
import pytest

from graphsvc import audit_verify
from graphsvc.core.codec import audited, decode_records, encode_records
from graphsvc.core.record import Decided
from graphsvc.core.verdict import Verdict
from tests.audit.conftest import live
from tests.cli.command import graphsvc


def bodies() -> dict[int, bytes]:
    with sqlite3.connect("graphsvc.db") as connection:
        return dict(connection.execute("SELECT seq, body FROM entry ORDER BY seq").fetchall())


def write(statement: str, *values: object) -> None:
    """What somebody does who can write to the store."""
    connection = sqlite3.connect("graphsvc.db")
    with connection:
        connection.execute(statement, values)
    connection.close()


def forged(body: bytes, **changes: object) -> bytes:
    """The entry of a decision with another content, and leaves that fit it."""
    (record,) = decode_records(body)
    return encode_records([msgspec.structs.replace(record, **changes)], audited(body).salt)


def a_denial() -> int:
    return next(
        seq
        for seq, body in bodies().items()
        if isinstance(record := decode_records(body)[0], Decided) and record.verdict is Verdict.DENY
    )


def test_a_store_is_signed_by_itself_and_verifies(folder: Path) -> None:
    """Whoever used the store left a signed checkpoint; nothing else is needed to check it."""
    ended = graphsvc("audit", "verify", "--format", "json")
    assert ended.code == 0
    (row,) = ended.json()
    assert row["records"] == row["signed"] > 20
    assert row["problems"] == []


def test_a_record_changed_with_its_leaf_is_found(folder: Path) -> None:
    """The leaf beside the record proves nothing; the checkpoint kept outside the store does."""
    seq = a_denial()
    write("UPDATE entry SET body = ? WHERE seq = ?", forged(bodies()[seq], verdict=Verdict.PERMIT), seq)
    ended = graphsvc("audit", "verify")
    assert (ended.code, "not those that were signed" in ended.out) == (1, True)


def test_a_changed_record_is_named(folder: Path) -> None:
    """A change that leaves the leaf as it was is told by its number, whatever field it is in."""
    seq = a_denial()
    held = audited(bodies()[seq])
    (record,) = decode_records(bodies()[seq])
    assert isinstance(record, Decided)
    other = msgspec.structs.replace(
        record, request=msgspec.structs.replace(record.request, context={"a": "b"})
    )
    body = bytes((3,)) + msgspec.msgpack.encode([held.salt, held.leaves, [other]])
    write("UPDATE entry SET body = ? WHERE seq = ?", body, seq)
    ended = graphsvc("audit", "verify", "--format", "json")
    assert ended.code == 1
    assert ended.json()[0]["changed"] == [seq]
    refused = graphsvc("audit", "export", "-o", "ex")
    assert (refused.code, f"record {seq}" in refused.error) == (3, True)


@pytest.mark.parametrize("where", ["seq = (SELECT max(seq) FROM entry)", "seq = 9", "seq > 9", "1 = 1"])
def test_a_removed_entry_is_found(folder: Path, where: str) -> None:
    """At the end, in the middle, or all."""
    write(f"DELETE FROM entry WHERE {where}")
    assert graphsvc("audit", "verify").code == 1


def test_moved_entries_are_found(folder: Path) -> None:
    """Two entries with each other's content."""
    held = bodies()
    for one, other in ((5, 6), (6, 5)):
        write("UPDATE entry SET body = ? WHERE seq = ?", held[other], one)
    assert graphsvc("audit", "verify").code == 1


def test_a_changed_log_is_not_signed_again(folder: Path) -> None:
    """The service goes on, and the checkpoint stays the one from before the change."""
    (kept,) = Path(".graphsvc/audit").glob("*/checkpoint.txt")
    before = kept.read_text()
    seq = a_denial()
    write("UPDATE entry SET body = ? WHERE seq = ?", forged(bodies()[seq], verdict=Verdict.PERMIT), seq)
    live(1, 20)
    assert kept.read_text() == before
    assert graphsvc("audit", "verify").code == 1
    refused = graphsvc("audit", "export", "-o", "ex")
    assert (refused.code, "not the one that was signed" in refused.error) == (3, True)


def test_a_checkpoint_kept_elsewhere_finds_a_rewritten_store(folder: Path) -> None:
    """Whoever has the store and the state folder can sign another history, but not undo a checkpoint given away."""
    (kept,) = Path(".graphsvc/audit").glob("*/checkpoint.txt")
    shutil.copy(kept, "usb.txt")
    seq = a_denial()
    write("UPDATE entry SET body = ? WHERE seq = ?", forged(bodies()[seq], verdict=Verdict.PERMIT), seq)
    kept.unlink()
    live(1, 20)
    assert graphsvc("audit", "verify").code == 0
    assert graphsvc("audit", "verify", "--checkpoint", "usb.txt").code == 1


def test_an_export_holds_records_checkpoint_and_proofs(folder: Path) -> None:
    """Whole, in part, as a folder or one file, and one decision alone; each is genuine under the log's key."""
    key = graphsvc("audit", "key").out.strip()
    Path("key.txt").write_text(key + "\n")
    assert graphsvc("audit", "export", "-o", "whole").code == 0
    records = map(json.loads, Path("whole/records.jsonl").read_text().splitlines())
    first = next(record for record in records if record["kind"] == "decided")
    live(2, 10)
    assert graphsvc("audit", "export", "-o", "newer.zip", "--since", "whole/checkpoint.txt").code == 0
    assert graphsvc("audit", "export", "-o", "one", "--decision", first["decision"]).code == 0
    assert graphsvc("audit", "export", "-o", "part.zip", "--from", "2096-10-02T07:06:42Z").code == 0
    for name in ("whole", "newer.zip", "one", "part.zip"):
        ended = graphsvc("audit", "verify", name, "--key", "key.txt", "--format", "json")
        assert (ended.code, ended.err) == (0, ""), ended.out
        (row,) = ended.json()
        assert (row["pinned"], row["complete"]) == (True, name in {"whole", "newer.zip"})
    assert json.loads(Path("one/records.jsonl").read_text()) == first
    with zipfile.ZipFile("newer.zip") as archive:
        assert json.loads(archive.read("proofs.json"))["earlier"][0]["consistency"]
    unpinned = graphsvc("audit", "verify", "whole")
    assert (unpinned.code, "--key" in unpinned.err) == (0, True)


def test_the_script_alone_agrees(folder: Path) -> None:
    """Copied away and run by a Python that cannot import graphsvc, it says the same."""
    shutil.copy(audit_verify.__file__, "audit_verify.py")
    key = graphsvc("audit", "key").out.strip()
    assert graphsvc("audit", "export", "-o", "whole").code == 0
    live(1, 10)
    assert graphsvc("audit", "key", "--rotate").code == 0
    live(1, 20)
    assert graphsvc("audit", "export", "-o", "newer.zip", "--since", "whole/checkpoint.txt").code == 0
    for name in ("whole", "newer.zip"):
        ended = alone(name, "--key", key)
        assert (ended.returncode, ended.stdout[:8]) == (0, "genuine:"), ended
    other = "graphsvc/x+0000+AA"
    assert alone("whole", "--key", other).returncode == 1
    assert alone("nowhere").returncode == 2
    content = Path("whole/records.jsonl").read_bytes()
    Path("whole/records.jsonl").write_bytes(content.replace(b"DENY", b"DENI", 1))
    ended = alone("whole", "--key", key)
    assert (ended.returncode, "not those that were signed" in ended.stdout) == (1, True)


def alone(*arguments: str) -> subprocess.CompletedProcess[str]:
    forbid = "import sys; sys.modules['graphsvc'] = None; import runpy; runpy.run_path('audit_verify.py', run_name='__main__')"
    return subprocess.run(
        [sys.executable, "-c", forbid, *arguments], capture_output=True, text=True, check=False
    )


def test_any_key_of_the_row_will_do(folder: Path) -> None:
    """An export signed before or after a rotation is genuine under the old key and under the new one."""
    old = graphsvc("audit", "key").out.strip()
    assert graphsvc("audit", "export", "-o", "before").code == 0
    new = graphsvc("audit", "key", "--rotate").out.strip()
    live(1, 10)
    assert old != new == graphsvc("audit", "key").out.strip()
    assert graphsvc("audit", "export", "-o", "after").code == 0
    for key in (old, new):
        assert graphsvc("audit", "verify", "after", "--key", key).code == 0
    assert graphsvc("audit", "verify", "before", "--key", old).code == 0
    assert graphsvc("audit", "verify").code == 0


def test_a_forged_export_is_not_genuine_under_the_key(folder: Path) -> None:
    """Signed anew by a key of the forger's own, it fits together, and the trusted key gives it away."""
    key = graphsvc("audit", "key").out.strip()
    (home,) = Path(".graphsvc/audit").iterdir()
    shutil.rmtree(home)
    assert graphsvc("audit", "export", "-o", "forged").code == 0
    assert graphsvc("audit", "verify", "forged").code == 0
    ended = graphsvc("audit", "verify", "forged", "--key", key)
    assert (ended.code, "none of the keys" in ended.out) == (1, True)


def test_a_retired_key_signs_nothing_later(folder: Path) -> None:
    """Stolen after its retirement, it cannot sign a longer log."""
    from graphsvc.core.audit.key import KeyHistory
    from graphsvc.core.audit.note import SigningKey, checkpoint_text, open_checkpoint
    from graphsvc.store.notary import FileNotary

    (home,) = Path(".graphsvc/audit").iterdir()
    origin = (home / "checkpoint.txt").read_text().split("\n")[0]
    notary = FileNotary(Path(".graphsvc"))
    stolen: SigningKey = notary.key(origin)
    assert graphsvc("audit", "key", "--rotate").code == 0
    keys = KeyHistory.parse((home / "keys.json").read_bytes())
    size = keys.rows[-1].since
    at = open_checkpoint(stolen.sign(checkpoint_text(origin, size, bytes(32))))
    later = open_checkpoint(stolen.sign(checkpoint_text(origin, size + 1, bytes(32))))
    assert keys.signer_of(at) == stolen.verifier
    assert keys.signer_of(later) is None


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("verify", "nowhere"), "does not exist"),
        (("verify", "policy.yaml"), "is no whole export"),
        (("verify", "."), "holds no records.jsonl"),
        (("verify", "--key", "x+y+z"), "--key"),
        (("verify", "--key", "nowhere"), "does not exist"),
        (("export", "-o", "."), "is not empty"),
        (("export", "-o", "x", "--from", "yesterday"), "RFC 3339"),
        (("export", "-o", "x", "--from", "2196-01-01T00:00:00Z"), "none of the"),
        (("export", "-o", "x", "--decision", "nobody"), "no decision `nobody`"),
        (("export", "-o", "x", "--since", "policy.yaml"), "--since"),
    ],
)
def test_bad_input_is_told(folder: Path, arguments: tuple[str, ...], told: str) -> None:
    """One line that names what is wrong; exit 2, and nothing written."""
    ended = graphsvc("audit", *arguments)
    assert (ended.code, told in ended.error) == (2, True), ended
    assert not Path("x").exists()


def test_a_key_that_others_can_read_is_refused(folder: Path) -> None:
    """Nothing is signed with it."""
    (home,) = Path(".graphsvc/audit").iterdir()
    (home / "key.pem").chmod(0o644)
    assert "chmod 600" in graphsvc("audit", "export", "-o", "x").error


def test_a_lost_key_is_not_replaced_silently(folder: Path) -> None:
    """A log that is signed gets no second first key."""
    (home,) = Path(".graphsvc/audit").iterdir()
    (home / "key.pem").unlink()
    assert "restore it from a backup" in graphsvc("audit", "export", "-o", "x").error
