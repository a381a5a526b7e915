"""What the log of a store tells: every verdict again, in log order, and what was permitted together."""

from collections.abc import Iterable

from graphsvc.core.codec import decode_records
from graphsvc.core.record import Cancelled, Decided
from graphsvc.core.verdict import Verdict
from graphsvc.core.world import World
from graphsvc.decide.ports import Log

__all__ = ["completed_in_permitted", "told_again"]


async def told_again(store: Log) -> tuple[list[Decided], set[str]]:
    """Every stored decision and the ids of cancelled ones, having seen that a serial run gives each verdict again."""
    world, stored, cancelled, after = World(), list[Decided](), set[str](), 0
    while entries := await store.read(after=after, limit=500):
        for entry in entries:
            for place, record in enumerate(decode_records(entry.body)):
                if isinstance(record, Decided):
                    judged = world.evaluate(record.request, record.at_ms, exact=True)
                    again = judged.verdict, judged.reasons
                    assert again == (record.verdict, record.reasons), (again, entry.first + place, record)
                    assert judged.completions == record.completions, (judged.completions, record)
                    stored.append(record)
                elif isinstance(record, Cancelled):
                    cancelled.add(record.action)
                world.apply(record, entry.first + place)
            after = entry.seq
    return stored, cancelled


def completed_in_permitted(history: Iterable[Decided]) -> list[str]:
    """Denied combinations of the test pack that lie in what was permitted, found without the engine.

    history: decisions in log order, cancelled ones left out.
    """
    halves: dict[str, set[str]] = {}
    seen: dict[str, set[str]] = {}
    found: list[str] = []
    for record in history:
        if record.answered is not Verdict.PERMIT:
            continue
        request = record.request
        if request.action == "erp:CreateVendor":
            halves.setdefault(request.resource.id, set()).add("create")
        elif request.action == "erp:ApprovePayment":
            halves.setdefault(str(request.context["vendor_id"]), set()).add("pay")
        elif request.action == "mail:Send":
            # Chains of the test have no parents and no session in common.
            if seen.get(request.chain, set()) >= {"mail:Read", "crm:Read"}:
                found.append(f"all three in {request.chain}")
        elif request.action == "mail:Read" or request.resource.id == "42":
            seen.setdefault(request.chain, set()).add(request.action)
    return found + [f"both halves of {vendor}" for vendor, done in halves.items() if len(done) > 1]
