"""The parts of provenance that can be left out, so that the worth of each can be measured."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Mechanism"]


class Mechanism(StrEnum):
    """One part of how facts are found; leaving one out is for measuring, not for production."""

    designation = "designation"  # whether the request points at a record
    unique = "unique"  # the only value of its type in such a record
    follow = "follow"  # the one link of such a record may be followed
    content = "content"  # addresses, links and accounts inside content
    amount = "amount"  # amounts near those known
    requested = "requested"  # how far the request asks for the effect
    delegation = "delegation"  # a request may leave to a text what is to be done
    slot = "slot"  # a value of a type that the request fills already
    contested = "contested"  # foreign text speaks of a trusted value
    creates = "creates"  # executed calls make values known
    field_labels = "field_labels"  # which fields of a result are foreign
    short_numbers = "short_numbers"  # a short number counts only where it names something
