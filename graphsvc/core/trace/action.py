"""Actions in traces: what was asked and, in exports, what was answered."""

from __future__ import annotations

from msgspec.structs import replace

from graphsvc.core.record import Decided
from graphsvc.core.request import AccessRequest, Argument
from graphsvc.core.trace.field import Fields, entity_record
from graphsvc.core.trace.item import StoredVerdict, TraceAction
from graphsvc.core.value import Json, format_time
from graphsvc.core.verdict import Risk, Verdict

__all__ = ["action_of", "action_record", "read_action"]

_VERDICTS = tuple(verdict.value for verdict in Verdict)


def read_action(fields: Fields) -> TraceAction:
    """The action of one record."""
    action = fields.part("action")
    request = AccessRequest(
        id=fields.text("id"),
        chain=fields.text("chain"),
        session=fields.optional_text("session"),
        parent_chain=fields.optional_text("parent_chain"),
        joins=fields.texts("joins"),
        subject=fields.entity("subject", "identity"),
        on_behalf_of=tuple(part.as_entity("identity") for part in fields.parts("on_behalf_of")),
        action=action.text("name"),
        action_properties=action.mapping("properties"),
        resource=fields.entity("resource", "resource"),
        labels=fields.texts("labels"),
        parents=fields.texts("parents") if fields.get("parents") is not None else None,
        context=fields.mapping("context"),
        arguments=tuple(_read_argument(part) for part in fields.parts("arguments")),
        intent=fields.optional_mapping("intent"),
        review=fields.optional_text("review"),
        executed=fields.flag("executed", default=True),
    )
    return TraceAction(
        request=request,
        at_ms=fields.time("at"),
        seq=fields.integer("seq", least=1),
        stored=_read_stored(fields),
        caller=fields.note("caller"),
        place=fields.place,
    )


def _read_argument(fields: Fields) -> Argument:
    return Argument(
        name=fields.text("name"),
        role=fields.optional_text("role"),
        fact=fields.optional_text("fact"),
        tokens=fields.texts("tokens"),
        designation=fields.integer("designation"),
    )


def _read_stored(fields: Fields) -> StoredVerdict | None:
    verdict, enforced = fields.optional_text("verdict"), fields.optional_text("enforced")
    completed = fields.texts("completed") if fields.get("completed") is not None else None
    reasons = fields.texts("reasons") if fields.get("reasons") is not None else None
    risk = fields.optional_part("risk")
    measured = None
    if risk is not None:
        before, after = risk.integer("before_micros", least=0), risk.integer("after_micros", least=0)
        measured = Risk(before_micros=before or 0, after_micros=after or 0)
    if verdict is None:
        for name in ("enforced", "completed", "reasons", "risk"):
            if fields.get(name) is not None:
                fields.fail(name, "says what was answered, but `verdict` is missing; add it")
        return None
    answered = enforced if enforced is not None else verdict
    return StoredVerdict(
        verdict=Verdict(fields.choice("verdict", verdict, _VERDICTS)),
        enforced=Verdict(fields.choice("enforced", answered, _VERDICTS)),
        completed=completed,
        reasons=reasons,
        risk=measured,
    )


def action_of(seq: int, record: Decided) -> TraceAction:
    """A stored decision as an action to judge again; one that was not let through is not executed."""
    request = record.request
    return TraceAction(
        request=replace(
            request,
            session=record.session,
            executed=request.executed and record.answered is Verdict.PERMIT,
        ),
        at_ms=record.at_ms,
        seq=seq,
        stored=StoredVerdict(
            verdict=record.verdict,
            enforced=record.answered,
            completed=tuple(sorted(completion.pattern for completion in record.completions)),
            reasons=tuple(dict.fromkeys(reason.code.value for reason in record.reasons)),
            risk=record.risk,
        ),
        caller=record.by,
    )


def action_record(item: TraceAction) -> dict[str, Json]:
    """The record of an action; reading it gives an equal one."""
    request = item.request
    action: dict[str, Json] = {"name": request.action}
    if request.action_properties:
        action["properties"] = request.action_properties
    record: dict[str, Json] = {
        "type": "action",
        "id": request.id,
        "seq": item.seq,
        "at": format_time(item.at_ms),
        "chain": request.chain,
        "session": request.session,
        "parent_chain": request.parent_chain,
        "joins": list(request.joins),
        "subject": entity_record(request.subject),
        "on_behalf_of": [entity_record(entity) for entity in request.on_behalf_of],
        "action": action,
        "resource": entity_record(request.resource),
        "labels": list(request.labels),
        "parents": list(request.parents) if request.parents is not None else None,
        "context": request.context,
        "arguments": [_argument_record(argument) for argument in request.arguments],
        "intent": request.intent,
        "review": request.review,
        "executed": request.executed,
    }
    if item.caller:
        record["caller"] = item.caller
    return record if item.stored is None else record | _stored_record(item.stored)


def _argument_record(argument: Argument) -> dict[str, Json]:
    return {
        "name": argument.name, "role": argument.role, "fact": argument.fact, "tokens": list(argument.tokens),
        "designation": argument.designation,
    }  # fmt: skip


def _stored_record(stored: StoredVerdict) -> dict[str, Json]:
    record: dict[str, Json] = {"verdict": stored.verdict.value, "enforced": stored.enforced.value}
    if stored.completed is not None:
        record["completed"] = list(stored.completed)
    if stored.reasons is not None:
        record["reasons"] = list(stored.reasons)
    if stored.risk is not None:
        record["risk"] = {
            "before_micros": stored.risk.before_micros,
            "after_micros": stored.risk.after_micros,
        }
    return record
