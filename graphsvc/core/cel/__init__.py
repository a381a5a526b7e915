"""Conditions in CEL: the port that rules and permissions use, whatever library stands behind it."""

from graphsvc.core.cel.condition import Condition, ConditionError, compile_condition

__all__ = ["Condition", "ConditionError", "compile_condition"]
