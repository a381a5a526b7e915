"""Findings on real estates against what a person says of each."""
