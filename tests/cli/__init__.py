"""Tests of the command line, as commands."""
