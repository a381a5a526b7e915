"""OpenAI Agents SDK: tools with guardrails before and after them."""

import asyncio

from agents import Agent, RunConfig, Runner, ToolCallOutputItem, function_tool
from agents.testing import ScriptedModel, assistant_message, function_call
from story import AGAIN, FIRST, desk

from graphsvc.client.pep.openai_agents import guarded


async def main() -> None:
    async with desk() as held:
        tools = guarded([function_tool(each) for each in (held.lookup, held.wipe, held.send)], held.guard)

        async def play(calls: list[tuple[str, dict[str, str]]], name: str) -> None:
            steps = [
                [function_call(tool, given, call_id=f"{name}-{place}")]
                for place, (tool, given) in enumerate(calls)
            ]
            model = ScriptedModel([*steps, [assistant_message("done")]])
            agent = Agent(name="desk", model=model, tools=tools)
            result = await Runner.run(agent, "go", run_config=RunConfig(tracing_disabled=True))
            held.told += [
                str(each.output) for each in result.new_items if isinstance(each, ToolCallOutputItem)
            ]

        await play(FIRST, "first")
        await held.approve()
        await play(AGAIN, "again")
        held.finish()


asyncio.run(main())
