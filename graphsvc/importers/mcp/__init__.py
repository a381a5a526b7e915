"""MCP tool lists: what agents can call becomes action types, undeclared tools counting as able to do anything."""

from graphsvc.importers.mcp.declaration import Declaration, read_declarations
from graphsvc.importers.mcp.draft import listed_tools, write_draft
from graphsvc.importers.mcp.pack import write_pack
from graphsvc.importers.mcp.tool import read

__all__ = ["Declaration", "listed_tools", "read", "read_declarations", "write_draft", "write_pack"]
