"""Drafts of declarations: a guess with its reasons, strict where unsure, and never in force by itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from graphsvc.core.policy.load import load_policy
from graphsvc.errors import BadInput
from graphsvc.importers.mcp.draft import draft_of, listed_tools, write_draft
from tests.cli.command import graphsvc


def tool(name: str, *arguments: str, **more: Any) -> dict[str, Any]:
    """A tool of a list."""
    return {
        "name": name,
        "inputSchema": {"type": "object", "properties": {each: {} for each in arguments}},
        **more,
    }


@pytest.mark.parametrize(
    ("given", "effects", "arguments"),
    [
        (
            tool("send_email", "to", "subject", "body"),
            ["send"],
            {"to": "destination", "subject": "content", "body": "content"},
        ),
        (tool("get_issue", "repo", "issue_number"), ["read"], {"repo": "locator", "issue_number": "locator"}),
        (tool("browser_navigate", "url"), ["fetch"], {"url": "locator"}),
        (tool("get_page", "url"), ["fetch"], {"url": "locator"}),
        (tool("deleteFile", "path"), ["destroy"], {"path": "target"}),
        (tool("search_mails", "query", "limit"), ["read"], {"query": "query"}),
        (tool("transfer_money", "iban", "amount"), ["pay"], {"iban": "destination", "amount": "amount"}),
        (tool("frobnicate", "wibble"), ["execute"], {"wibble": "destination"}),
    ],
)
def test_a_name_is_read_as_people_would(
    given: dict[str, Any], effects: list[str], arguments: dict[str, str]
) -> None:
    """Verbs say the effect, argument names the role; what says nothing may do anything."""
    draft = draft_of(given)
    assert (draft.declared["effects"], draft.declared["arguments"]) == (effects, arguments)


def test_annotations_only_make_it_stricter() -> None:
    """A server that calls its tool harmless is not believed, one that calls it destructive is."""
    harmless = draft_of(tool("send_email", "to", annotations={"readOnlyHint": True}))
    assert harmless.declared["effects"] == ["send"]
    assert not harmless.is_sure
    harmful = draft_of(tool("update_row", "id", annotations={"destructiveHint": True}))
    assert harmful.declared["effects"] == ["modify", "destroy"]


def test_a_draft_is_a_pack_that_loads_and_says_what_to_check() -> None:
    """The file is valid as it stands, and unsure lines are marked."""
    text = "".join(write_draft([tool("read_mail", "id"), tool("frobnicate", "x")], "desk"))
    policy = load_policy(text)
    assert (policy.pack.version, sorted(policy.actions)) == ("draft", ["desk:frobnicate", "desk:read_mail"])
    assert policy.actions["desk:read_mail"].result.labels == ("sensitive", "untrusted")
    assert text.count("# CHECK: ") == 1


def test_names_cannot_write_into_the_draft() -> None:
    """An argument's name with a line break stays inside its line."""
    text = "".join(write_draft([tool("do_it", "x\nactions: {}")], "desk"))
    assert list(load_policy(text).actions) == ["desk:do_it"]


def test_what_is_no_tool_list_is_refused_by_place() -> None:
    """The error names the file and the fix."""
    with pytest.raises(BadInput, match="is no tool list"):
        listed_tools([(b"{}", "t.json")], "desk")
    with pytest.raises(BadInput, match=r"t\.json\.tools\[0\]\.name"):
        listed_tools([(b'{"tools": [{}]}', "t.json")], "desk")
    with pytest.raises(BadInput, match="--name"):
        listed_tools([(b'{"tools": []}', "t.json")], "a:b")


def test_the_commands_write_drafts_and_tools(tmp_path: Path) -> None:
    """From a tool list to a draft, and from a pack to what the client reads."""
    listed, drafted, made = tmp_path / "t.json", tmp_path / "d.yaml", tmp_path / "tools.json"
    listed.write_text(json.dumps({"tools": [tool("send_email", "to")]}))
    assert graphsvc("policy", "suggest", str(listed), "--name", "desk", "-o", str(drafted)).code == 0
    assert graphsvc("policy", "tools", str(drafted), "-o", str(made)).code == 0
    assert json.loads(made.read_text()) == {
        "desk:send_email": {"effects": ["send"], "arguments": {"to": "destination"}}
    }
