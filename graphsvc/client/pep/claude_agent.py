"""Claude Agent SDK: hooks that ask before a tool is used and report after it.

    options = ClaudeAgentOptions(hooks=hooks(ToolGuard(task)))

What is permitted here is still subject to the agent's own permission mode: a hook takes away, it never gives.
Needs `claude-agent-sdk >= 0.1`.
"""

from __future__ import annotations

from typing import Any, cast

from claude_agent_sdk import HookContext, HookInput, HookJSONOutput, HookMatcher

from graphsvc.client.pep.tool import Refusal, ToolGuard
from graphsvc.client.result import Decision

__all__ = ["hooks"]


def hooks(guard: ToolGuard, *, matcher: str | None = None) -> dict[Any, list[HookMatcher]]:
    """Hooks for `ClaudeAgentOptions`. matcher: names of the tools to ask for, such as `Bash|Write`; None: every tool.

    While a review is waited for (`wait_s` of the task) the hook waits too, so its time limit is longer than that.
    """
    running: dict[str, Decision] = {}

    async def ask(given: HookInput, tool_use_id: str | None, context: HookContext) -> HookJSONOutput:
        del context
        call = cast("dict[str, Any]", given)
        key = str(call.get("tool_use_id") or tool_use_id or "") or None
        outcome = await guard.ask(call["tool_name"], call["tool_input"], key=key)
        if isinstance(outcome, Refusal):
            return {
                "hookSpecificOutput": {
                    "hookEventName": "PreToolUse",
                    "permissionDecision": "deny",
                    "permissionDecisionReason": outcome.text,
                }
            }
        if key is not None:
            running[key] = outcome
        return {}

    async def tell(given: HookInput, tool_use_id: str | None, context: HookContext) -> HookJSONOutput:
        del context
        call = cast("dict[str, Any]", given)
        decision = running.pop(str(call.get("tool_use_id") or tool_use_id or ""), None)
        if decision is None:
            return {}
        if call["hook_event_name"] == "PostToolUseFailure":
            await guard.failed(decision, call.get("error"))
        else:
            await guard.done(decision, call["tool_name"], call.get("tool_response"))
        return {}

    limit_s = guard.task.wait_s + 30.0
    after = [HookMatcher(matcher=matcher, hooks=[tell])]
    return {
        "PreToolUse": [HookMatcher(matcher=matcher, hooks=[ask], timeout=limit_s)],
        "PostToolUse": after,
        "PostToolUseFailure": after,
    }
