"""Documents that are known by name: clients send the name for the text, and where nothing else is allowed, only those.

Source for `documentId`: GraphQL over HTTP, appendix Persisted Documents. A document's own id is `sha256:` and the hash
of its text; a file may give it others.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from graphql import GraphQLError

from graphsvc.errors import SettingsError

__all__ = ["PersistedDocuments", "document_id", "own_documents", "read_documents"]

_CONSTANT = re.compile(r"""^(?:export )?const (\w+) =\s*(?:`([^`]*)`|'([^']*)')""", re.MULTILINE)
_PLACE = re.compile(r"\$\{(\w+)\}")


class PersistedDocuments:
    """Texts by id. only: whether no other document is answered."""

    def __init__(self, texts: Mapping[str, str] | None = None, *, only: bool = False) -> None:
        self.only = only
        given = dict(texts or {})
        self._texts = {document_id(text): text for text in given.values()} | given
        self._listed = frozenset(given.values())

    def resolve(self, payload: Mapping[str, Any]) -> str | list[GraphQLError]:
        """The text that a request means, or why there is none that is answered."""
        name, text = payload.get("documentId"), payload.get("query")
        if name is not None:
            known = self._texts.get(name) if isinstance(name, str) else None
            if known is None:
                return [_refusal("document_unknown", "no document of this `documentId` is known here")]
            if text is not None and text != known:
                return [
                    _refusal("invalid_request", "`query` and `documentId` name different documents; send one")
                ]
            return known
        if not isinstance(text, str) or not text:
            return [
                _refusal("invalid_request", "send a document as `query`, or the name of one as `documentId`")
            ]
        if self.only and text not in self._listed:
            return [_refusal("document_not_listed", "only documents that are listed here are answered")]
        return text


def document_id(text: str) -> str:
    """The name that a document has by itself."""
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def read_documents(file: Path) -> dict[str, str]:
    """Documents of a JSON file, `{"<id>": "<text>", ...}`; SettingsError when it is none."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"documents: `{file}` cannot be read: {error}") from None
    if not isinstance(found, dict) or not all(isinstance(text, str) for text in found.values()):
        raise SettingsError(f'documents: `{file}` must be an object such as {{"<id>": "query {{ ... }}"}}')
    return found


def own_documents(texts: Iterable[str]) -> dict[str, str]:
    """What our own client sends (`texts`) and what the dashboard does, by their own ids."""
    texts = list(texts)
    source = resources.files("graphsvc").joinpath("static", "query.js").read_text(encoding="utf-8")
    constants: dict[str, str] = {}
    for name, quoted, plain in _CONSTANT.findall(source):
        constants[name] = _PLACE.sub(lambda place: constants[place[1]], quoted or plain)
    texts += [
        text for text in constants.values() if text.startswith(("{", "query", "mutation", "subscription"))
    ]
    return {document_id(text): text for text in texts}


def _refusal(code: str, message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": code})
