"""Conditions in the words of the system that a permission comes from: statements of AWS policies."""

from graphsvc.core.native.condition import NativeTest, compile_native
from graphsvc.core.native.context import Asked

__all__ = ["Asked", "NativeTest", "compile_native"]
