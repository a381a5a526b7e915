"""Small files that tell an importer what to do: TOML or YAML, by their name."""

from __future__ import annotations

import tomllib

from graphsvc.core.value import Json
from graphsvc.errors import BadInput
from graphsvc.importers.text import decode_text
from graphsvc.importers.yaml_text import read_documents

__all__ = ["read_settings"]


def read_settings(data: bytes | str, file: str) -> dict[str, Json]:
    """The mapping that a `.toml`, `.yaml`, `.yml` or `.json` file holds; BadInput names the line."""
    if file.endswith(".toml"):
        try:
            found: dict[str, Json] = tomllib.loads(decode_text(data, file))
        except tomllib.TOMLDecodeError as error:
            raise BadInput(f"`{file}` is not TOML: {error}", field=file) from None
        return found
    if not file.endswith((".yaml", ".yml", ".json")):
        raise BadInput(
            f"`{file}` must end in .toml, .yaml or .json, for that tells how to read it", field=file
        )
    documents = read_documents(data, file)
    if len(documents) != 1 or not isinstance(documents[0][1], dict):
        raise BadInput(f"`{file}` must hold one mapping", field=file)
    return documents[0][1]
