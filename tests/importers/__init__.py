"""Importers against small inputs, laws, and real files."""
