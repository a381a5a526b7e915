"""The life of a pack on the command line: published, compared, published again, rolled back; on a store and a server."""

import json
from pathlib import Path

import pytest

from tests.cli.command import POLICY, graphsvc


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with two versions of a pack."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.yaml").write_text(POLICY)
    assert 'version: "1"' in POLICY
    (tmp_path / "two.yaml").write_text(
        POLICY.replace('version: "1"', 'version: "2"').replace("deny", "escalate", 1)
    )
    return tmp_path


def versions() -> list[tuple[str, bool, str]]:
    rows = json.loads(graphsvc("policy", "list", "--versions", "--format", "json").out)
    return [(row["version"], row["inForce"], row["comment"]) for row in rows]


def test_a_pack_is_compared_published_and_rolled_back(folder: Path) -> None:
    """Each step is told and listed; going back is a publication of its own."""
    del folder
    assert graphsvc("policy", "publish", "one.yaml", "--comment", "first").code == 0
    assert "nothing would change" in graphsvc("policy", "diff", "one.yaml").out
    told = graphsvc("policy", "diff", "two.yaml")
    assert told.code == 0
    assert 'version: "1" -> "2"' in told.out
    assert '"deny" -> "escalate"' in told.out
    assert graphsvc("policy", "publish", "two.yaml", "--comment", "second").code == 0
    pack = json.loads(graphsvc("policy", "list", "--format", "json").out)[0]["pack"]
    back = graphsvc("policy", "rollback", pack, "--comment", "false alarms")
    assert (back.code, f"rolled back {pack} at revision" in back.out) == (0, True)
    assert versions() == [
        ("1", True, "rolled back from 2: false alarms"), ("2", False, "second"), ("1", False, "first"),
    ]  # fmt: skip
    assert "nothing would change" in graphsvc("policy", "diff", "one.yaml").out
    assert graphsvc("policy", "rollback", pack, "--to", "2").code == 0
    assert [version for version, in_force, _ in versions() if in_force] == ["2"]


def test_what_cannot_be_rolled_back(folder: Path) -> None:
    """No such pack, no earlier text, no such version: told with what there is, and nothing is published."""
    del folder
    graphsvc("policy", "publish", "one.yaml")
    pack = json.loads(graphsvc("policy", "list", "--format", "json").out)[0]["pack"]
    for arguments, told in (
        (("nobody",), "no pack `nobody`"),
        ((pack,), "has had one text only"),
        ((pack, "--to", "9"), "there were 1"),
    ):
        answer = graphsvc("policy", "rollback", *arguments)
        assert answer.code != 0
        assert told in answer.err, answer
    assert len(versions()) == 1
