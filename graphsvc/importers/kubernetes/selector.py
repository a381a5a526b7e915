"""Label selectors: `matchLabels` and `matchExpressions`, all of which must hold. Source: the Kubernetes API."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from graphsvc.core.value import Json
from graphsvc.errors import BadInput

__all__ = ["Selector", "read_selector"]

Selector = Callable[[Mapping[str, str]], bool]


def read_selector(value: Json, place: str) -> Selector:
    """The test of a selector; an empty one selects everything. BadInput names the malformed part."""
    if not isinstance(value, dict):
        raise BadInput(f"{place}: must be a mapping", field=place)
    if unknown := value.keys() - {"matchLabels", "matchExpressions"}:
        raise BadInput(f"{place}.{min(unknown)}: is no part of a selector", field=place)
    labels = value.get("matchLabels") or {}
    if not isinstance(labels, dict) or not all(isinstance(text, str) for text in labels.values()):
        raise BadInput(f"{place}.matchLabels: must be a mapping of texts", field=place)
    listed = value.get("matchExpressions") or []
    if not isinstance(listed, list):
        raise BadInput(f"{place}.matchExpressions: must be a list", field=place)
    tests = [_expression(item, f"{place}.matchExpressions[{index}]") for index, item in enumerate(listed)]

    def test(given: Mapping[str, str]) -> bool:
        return all(given.get(name) == text for name, text in labels.items()) and all(
            each(given) for each in tests
        )

    return test


def _expression(value: Json, place: str) -> Selector:
    key, operator, values = (
        (value.get("key"), value.get("operator"), value.get("values") or [])
        if isinstance(value, dict)
        else (None, None, [])
    )
    if not isinstance(key, str) or not isinstance(values, list):
        raise BadInput(f"{place}: must have `key`, `operator` and `values`", field=place)
    match operator:
        case "In":
            return lambda given: given.get(key) in values
        case "NotIn":
            return lambda given: given.get(key) not in values
        case "Exists":
            return lambda given: key in given
        case "DoesNotExist":
            return lambda given: key not in given
    raise BadInput(f"{place}.operator: `{operator}` is none of In, NotIn, Exists, DoesNotExist", field=place)
