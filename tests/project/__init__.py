"""Tests of the project itself: layout, packaging, files beside the code."""
