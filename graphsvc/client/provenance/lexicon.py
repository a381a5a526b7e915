"""How far a request asks for an effect, read out of its words: verbs in base form, nouns, and open delegation.

A lexicon is a crude reader, and deterministic: it says the same for the same words, and no text that an agent has
read can talk it round, for only the request is looked at. Effects that are declared for a task replace it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from graphsvc.client.provenance.tool import LEVELS, Tool

__all__ = ["requested"]

_CLASSES: Final[Mapping[str, tuple[str, str]]] = {
    "message": (
        "send email mail message reply respond answer forward write tell ask inform notify remind post publish share contact thank invite submit",
        "let add include",
    ),
    "pay": (
        "pay transfer refund reimburse repay wire donate settle",
        "send return make schedule set update adjust change increase decrease give buy purchase",
    ),
    "grant": ("invite grant", "add share give assign allow include send make"),
    "destroy": ("", "delete remove cancel erase clear drop discard kick ban"),
    "modify": ("reschedule postpone", "move shift delay update change edit push adjust extend shorten"),
    "commit": ("", "book reserve order rent buy purchase make get arrange reservation booking"),
    "account": ("", "update change set reset edit modify correct adjust"),
    "write": (
        "",
        "create append save write note record draft log add put store schedule make set block mark plan arrange organize remind book invite",
    ),
    "execute": ("run execute", "start launch call"),
    "fetch": (
        "visit browse download fetch crawl",
        "read summarize summarise check get find look see open use follow show tell",
    ),
}
# They ask for a payment that is there to be different, not for another one.
_CHANGES: Final = frozenset({"update", "change", "adjust", "increase", "decrease"})
_NOTHING: Final[frozenset[str]] = frozenset()
_VERBS: Final[Mapping[str, tuple[frozenset[str], frozenset[str]]]] = {
    name: (frozenset(strong.split()), frozenset(weak.split())) for name, (strong, weak) in _CLASSES.items()
}
_NEGATIONS: Final = frozenset({"not", "never", "no", "without", "cannot", "avoid"})
_REACH: Final = 4
# Nouns by which a request speaks of something to be read elsewhere, whatever the tool is called.
_PLACES: Final = ("link", "url", "page", "webpage", "site", "website", "web", "article", "blog", "post")
# "Make sure" asks for nothing to be made.
_SURE: Final = re.compile(r"\bmake\s+sure\b", re.IGNORECASE)
_PLAIN: Final = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_DELEGATES: Final = re.compile(
    r"\b(?:do|follow|perform|complete|execute|carry out|handle|act on)\b(?!\s+(?:the\s+)?(?:following|these)\b)"
    r"[^.!?\n]{0,60}?\b(?:task|instruction|action|step|to-do|todo|request|everything)",
    re.IGNORECASE,
)
_PART: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")


def requested(words: str, action: str, tool: Tool, effects: Iterable[str], *, delegation: bool = True) -> str:
    """`requested`, `delegated` or `unrequested`: the worst over the effects that change something."""
    spoken = _spoken(words)
    names = _name_words(action)
    nouns = {*tool.about, *(name for name in names[1:] if len(name) > 3)}
    effects = tuple(effects)
    wanted = [effect for effect in effects if effect in LEVELS]
    # What a call does most is what has to be asked for: an invitation that creates an event needs the inviting.
    hardest = max((LEVELS[effect] for effect in wanted), default=0)
    if not wanted and "fetch" in effects:
        if "://" in words or "www." in words or _asks(spoken, "fetch", (), {*nouns, *_PLACES}):
            return "requested"
    elif all(
        _asks(spoken, effect, names[:1], nouns, begins="target" not in tool.arguments.values())
        for effect in wanted
        if LEVELS[effect] == hardest
    ):
        return "requested"
    if delegation and _DELEGATES.search(words):
        return "delegated"
    return "unrequested"


def _asks(
    spoken: list[tuple[str, bool]],
    effect: str,
    first: Collection[str],
    nouns: Collection[str],
    *,
    begins: bool = False,
) -> bool:
    """begins: the tool makes something anew, and changes nothing that is there."""
    strong, weak = _VERBS.get("message" if effect == "send" else effect, (_NOTHING, _NOTHING))
    if begins and effect == "pay":
        weak -= _CHANGES
    said = {word for word, is_meant in spoken if is_meant}
    if not strong.isdisjoint(said):
        return True
    if weak.isdisjoint(said) and said.isdisjoint(first):
        return False
    heard = {word for word, _ in spoken}
    return any(_is_said(noun, heard) for noun in nouns)


def _is_said(noun: str, heard: Collection[str]) -> bool:
    return noun in heard or f"{noun}s" in heard or f"{noun}es" in heard


def _spoken(words: str) -> list[tuple[str, bool]]:
    """Each word, and whether nothing shortly before it says the contrary."""
    found: list[tuple[str, bool]] = []
    since = _REACH + 1
    for match in _PLAIN.finditer(_SURE.sub("ensure", words)):
        word = match.group().casefold().replace("’", "'")
        found.append((word, since > _REACH))
        # "e-mail" is asked for as "email".
        if "-" in word:
            found.append((word.replace("-", ""), since > _REACH))
            found += [(part, since > _REACH) for part in word.split("-")]
        since = 1 if word in _NEGATIONS or word.endswith("n't") else since + 1
    return found


def _name_words(action: str) -> list[str]:
    server, _, name = action.rpartition(":")
    found = [part.casefold() for part in _PART.findall(name)]
    # Servers like to begin each tool with their own name.
    return found[1:] if len(found) > 1 and found[0] == server.casefold() else found
