"""Tables of any system: rows of CSV or JSON Lines to facts, as a mapping file says."""

from graphsvc.importers.table.mapping import TableMapping, read_table_mapping
from graphsvc.importers.table.read import read
from graphsvc.importers.table.row import csv_rows, jsonl_rows

__all__ = ["TableMapping", "csv_rows", "jsonl_rows", "read", "read_table_mapping"]
