"""OpenAI Agents SDK: guardrails that ask before a function tool runs and report after it.

    agent = Agent(name="support", tools=guarded([lookup, send], ToolGuard(task)))

Needs `openai-agents >= 0.6`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from agents import (
    FunctionTool,
    Tool,
    ToolGuardrailFunctionOutput,
    ToolInputGuardrail,
    ToolInputGuardrailData,
    ToolOutputGuardrail,
    ToolOutputGuardrailData,
)

from graphsvc.client.pep.tool import Refusal, ToolGuard
from graphsvc.client.result import Decision
from graphsvc.errors import BadInput

__all__ = ["guarded", "guardrails"]


def guarded(tools: Iterable[Tool], guard: ToolGuard) -> list[Tool]:
    """The tools with both guardrails before their own. A tool that runs elsewhere (hosted) cannot be guarded: BadInput."""
    before, after = guardrails(guard)
    found: list[Tool] = []
    for tool in tools:
        if not isinstance(tool, FunctionTool):
            raise BadInput(
                f"tools: `{tool.name}` does not run here, so nothing can be asked before it", field="tools"
            )
        found.append(
            replace(
                tool,
                tool_input_guardrails=[before, *(tool.tool_input_guardrails or ())],
                tool_output_guardrails=[after, *(tool.tool_output_guardrails or ())],
            )
        )
    return found


def guardrails(guard: ToolGuard) -> tuple[ToolInputGuardrail[Any], ToolOutputGuardrail[Any]]:
    """The guardrail before a tool and the one after it; they belong together."""
    running: dict[str, Decision] = {}

    async def ask(data: ToolInputGuardrailData) -> ToolGuardrailFunctionOutput:
        call = data.context
        arguments = json.loads(call.tool_arguments or "{}")
        outcome = await guard.ask(call.tool_name, arguments, key=call.tool_call_id)
        if isinstance(outcome, Refusal):
            return ToolGuardrailFunctionOutput.reject_content(outcome.text, output_info=outcome)
        running[call.tool_call_id] = outcome
        return ToolGuardrailFunctionOutput.allow(outcome)

    async def tell(data: ToolOutputGuardrailData) -> ToolGuardrailFunctionOutput:
        decision = running.pop(data.context.tool_call_id, None)
        if decision is not None:
            await guard.done(decision, data.context.tool_name, data.output)
        return ToolGuardrailFunctionOutput.allow()

    return (
        ToolInputGuardrail(guardrail_function=ask, name="graphsvc"),
        ToolOutputGuardrail(guardrail_function=tell, name="graphsvc"),
    )
