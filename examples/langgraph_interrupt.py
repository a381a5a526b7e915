"""LangGraph: an escalated call stops the graph until a person has answered."""

import asyncio

from langchain.agents import create_agent
from langchain.tools import tool
from langchain_agent import script
from langchain_core.messages import ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from story import FIRST, desk

from graphsvc.client.pep.langchain import GraphsvcMiddleware


async def main() -> None:
    async with desk() as held:
        agent = create_agent(
            script(FIRST),
            [tool(each) for each in (held.lookup, held.wipe, held.send)],
            middleware=[GraphsvcMiddleware(held.guard, interrupts=True)],
            checkpointer=InMemorySaver(),
        )
        thread = {"configurable": {"thread_id": "t1"}}
        stopped = await agent.ainvoke({"messages": [("user", "go")]}, thread)
        waiting = stopped["__interrupt__"][0].value
        assert waiting["tool"] == "send", waiting
        await held.approve()
        result = await agent.ainvoke(Command(resume="answered"), thread)
        held.told += [str(each.content) for each in result["messages"] if isinstance(each, ToolMessage)]
        held.finish()


if __name__ == "__main__":
    asyncio.run(main())
