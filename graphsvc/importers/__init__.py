"""Importers: pure functions from the text of other systems' files to facts of the graph and a report."""
