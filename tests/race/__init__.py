"""Interleavings: that no order of events lets a combination complete unnoticed."""
