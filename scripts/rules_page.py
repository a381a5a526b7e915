"""docs/rules.md, written from the shipped packs: every rule with what, why, an example, how to fix it, and its source.

python -m scripts.rules_page > docs/rules.md
"""

from __future__ import annotations

import sys

from graphsvc.core.policy.document import Policy
from graphsvc.core.policy.load import load_policy
from graphsvc.core.policy.pattern import Pattern
from graphsvc.packs import RIGHTS_PACKS, pack_file, pack_text

__all__ = ["page"]

_HEAD = """\
# Rules about rights held

Made from the packs by `make rules`; what is wrong here is wrong there. `explore combinations`, `paths` and `findings` ask with
them. Each finding carries the version of its pack and the day on which its rules were last checked against their sources.
"""


def page() -> str:
    """The whole page."""
    packs = [load_policy(pack_text(name), pack_file(name)) for name in RIGHTS_PACKS]
    return "\n".join((_HEAD, *(_pack(pack) for pack in packs)))


def _pack(policy: Policy) -> str:
    pack = policy.pack
    head = f"## {pack.title} (`{pack.id}` {pack.version})\n\n{pack.description} Source: {pack.source}. Checked: {pack.data_date}.\n"
    return "\n".join((head, *(_rule(pattern) for pattern in policy.patterns)))


def _rule(pattern: Pattern) -> str:
    rights = pattern.rights
    needs = " + ".join(
        " or ".join(f"`{name}`" for name in right.right) + (f" on `{right.on}`" if right.on else "")
        for right in (rights.all_of if rights is not None else ())
    )
    where = f", where {rights.where}" if rights is not None and rights.where else ""
    told = pattern.description.replace(" Example: ", "  \nExample: ").replace(" Fix: ", "  \nFix: ")
    source = "".join(f"  \nSource: <{each}>" for each in pattern.references)
    return f"### {pattern.id}\n\n{pattern.title} ({pattern.severity}).  \nNeeds: {needs}{where}.  \n{told}{source}\n"


if __name__ == "__main__":
    sys.stdout.write(page())
