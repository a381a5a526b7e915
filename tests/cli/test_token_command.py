"""`graphsvc token`: made, listed, taken back, rotated."""

from pathlib import Path

import pytest

from tests.cli.command import graphsvc


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_token_goes_through_its_life() -> None:
    """What was issued is listed; revoking by subject says which; then it is listed as revoked."""
    assert graphsvc("token", "--role", "pep", "--subject", "gateway-1").out.count(".") == 2
    (row,) = graphsvc("token", "list", "--format", "json").json()
    assert (row["subject"], row["roles"], row["state"]) == ("gateway-1", "pep", "valid")
    ended = graphsvc("token", "revoke", "--subject", "gateway-1")
    assert ended.code == 0
    assert row["id"] in ended.out
    (row,) = graphsvc("token", "list", "--format", "json").json()
    assert row["state"] == "revoked"
    assert "count until they expire" in graphsvc("token", "rotate").out
    assert "have ended" in graphsvc("token", "rotate", "--now").out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--subject", "x"], "--role"),
        (["--role", "pep"], "--subject"),
        (["revoke"], "name one of"),
        (["revoke", "x", "--all"], "name one of"),
        (["revoke", "x"], "no valid token fits"),
    ],
)
def test_what_is_missing_is_named(arguments: list[str], told: str) -> None:
    """Exit code 2 and one line that says what to give."""
    ended = graphsvc("token", *arguments)
    assert ended.code == 2
    assert told in ended.error
