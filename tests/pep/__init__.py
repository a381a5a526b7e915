"""Enforcement points as their users run them: the real gateway or framework, before a real service."""
