"""Importers: what each format becomes, and what is said of what it does not tell."""
