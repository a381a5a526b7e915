"""LangChain: an agent whose middleware asks before every tool call."""

import asyncio
from collections.abc import Iterable
from typing import Any

from langchain.agents import create_agent
from langchain.tools import tool
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, ToolMessage
from story import AGAIN, FIRST, desk

from graphsvc.client.pep.langchain import GraphsvcMiddleware


class Scripted(GenericFakeChatModel):
    """A model that calls the tools it was told to call."""

    def bind_tools(self, tools: Any, **options: Any) -> "Scripted":
        return self


def script(calls: Iterable[tuple[str, dict[str, str]]]) -> Scripted:
    steps = [
        AIMessage("", tool_calls=[{"name": name, "args": given, "id": f"call-{id(given)}-{place}"}])
        for place, (name, given) in enumerate(calls)
    ]
    return Scripted(messages=iter([*steps, AIMessage("done")]))


async def main() -> None:
    async with desk() as held:
        tools = [tool(each) for each in (held.lookup, held.wipe, held.send)]

        async def play(calls: list[tuple[str, dict[str, str]]]) -> None:
            agent = create_agent(script(calls), tools, middleware=[GraphsvcMiddleware(held.guard)])
            result = await agent.ainvoke({"messages": [("user", "go")]})
            held.told += [str(each.content) for each in result["messages"] if isinstance(each, ToolMessage)]

        await play(FIRST)
        await held.approve()
        await play([(name, dict(given)) for name, given in AGAIN])
        held.finish()


if __name__ == "__main__":
    asyncio.run(main())
