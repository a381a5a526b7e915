"""Seeded faults: every rule broken once in the engine, and the definition must notice."""
