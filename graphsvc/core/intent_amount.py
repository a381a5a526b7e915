"""What an intent says of sums of money: of one action, and of all that a chain and those it spawned were permitted together.

What was spent stands in the state as one whole number for each chain, in millionths of what was written; a cancelled action
gives back what it took. Numbers are added whatever their currency: a limit that names one lets no other in.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from typing import cast

from graphsvc.core.event import Event
from graphsvc.core.state import StateView
from graphsvc.core.value import Json

__all__ = ["beyond_amount", "beyond_total", "decimal_of", "give_back", "spend", "spent_by", "spent_cell"]

_PAYS = "pay"
_MICROS = 1_000_000
# More than this is not counted up any further; no limit lies above it.
_MOST = 2**62


def decimal_of(value: Json) -> Decimal | None:
    """A sum of money as it is written; None when it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def beyond_amount(event: Event, limit: Json) -> str | None:
    """What of one action's amount lies beyond a limit; None when nothing does."""
    most, wanted = _limit(limit)
    told = _untold(event, "amounts")
    if told is not None:
        return told
    for name, value in _given(event):
        amount = decimal_of(value)
        if amount is None:
            return f"`{name}` is no amount that can be compared"
        # A negative sum would take back what a limit gave.
        if amount < 0:
            return f"the amount {amount} is below zero"
        if most is None or amount > most:
            return f"the amount {amount} is above {most}"
        told = _other_currency(event, wanted)
        if told is not None:
            return told
    return None


def beyond_total(event: Event, limit: Json, spent: int) -> str | None:
    """What of an action's amount, together with what was spent before, lies beyond a limit; None when nothing does.

    spent: in millionths.
    """
    most, wanted = _limit(limit)
    told = _untold(event, "their total")
    if told is not None:
        return told
    total, is_any = Decimal(spent) / _MICROS, False
    for name, value in _given(event):
        amount = decimal_of(value)
        if amount is None:
            return f"`{name}` is no amount that can be added up"
        if amount < 0:
            return f"the amount {amount} is below zero"
        total, is_any = total + amount, True
    if not is_any:
        return None
    told = _other_currency(event, wanted)
    if told is not None:
        return told
    if most is None or total > most:
        return f"with it the amounts come to {total.normalize():f}, above {most} for all actions together"
    return None


def spent_cell(chain: str) -> str:
    """The key of what a chain and those it spawned were permitted."""
    return f"n:{chain}"


def spent_by(chain: str, view: StateView) -> int:
    """What a chain and those it spawned were permitted so far, in millionths."""
    return cast("int | None", view.get(spent_cell(chain))) or 0


def spend(event: Event, chains: Iterable[str], view: StateView) -> dict[str, int]:
    """What stands in the state once an action happened. chains: its own and those it was spawned from."""
    micros = _micros(event)
    if not micros:
        return {}
    return {spent_cell(chain): min(_MOST, spent_by(chain, view) + micros) for chain in chains}


def give_back(event: Event, chains: Iterable[str], view: StateView) -> dict[str, int]:
    """What stands in the state once an action is known not to have happened."""
    micros = _micros(event)
    if not micros:
        return {}
    return {spent_cell(chain): max(0, spent_by(chain, view) - micros) for chain in chains}


def _micros(event: Event) -> int:
    if not event.request.action_properties or not event.declaration.effects:
        return 0
    amounts = [decimal_of(value) for _, value in _given(event)]
    total = sum((each for each in amounts if each is not None and each > 0), Decimal(0))
    return int(min(Decimal(_MOST), (total * _MICROS).to_integral_value(ROUND_CEILING)))


def _given(event: Event) -> list[tuple[str, Json]]:
    properties, roles = event.request.action_properties, event.declaration.roles or {}
    names = [name for name, role in roles.items() if role == "amount"] or ["amount"]
    return [(name, properties[name]) for name in names if properties.get(name) is not None]


def _untold(event: Event, what: str) -> str | None:
    """That nobody knows how much an action is about, though it may be about some."""
    action, effects = event.request.action, event.declaration.effects
    if not effects:
        return f"what the action `{action}` does is not declared, and the intent limits {what}"
    if _PAYS in effects and not _given(event):
        return f"how much `{action}` is about is not told, and the intent limits {what}"
    return None


def _limit(limit: Json) -> tuple[Decimal | None, str | None]:
    if not isinstance(limit, dict):
        return None, None
    wanted = limit.get("currency")
    return decimal_of(limit.get("max")), wanted if isinstance(wanted, str) else None


def _other_currency(event: Event, wanted: str | None) -> str | None:
    currency = event.request.action_properties.get("currency")
    if wanted is None or currency == wanted:
        return None
    return f"the currency is `{currency}`, not `{wanted}`" if currency else "its currency is not told"
