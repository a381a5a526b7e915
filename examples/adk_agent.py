"""Google ADK: a plugin of the runner asks before every tool call."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from google.adk.agents import LlmAgent
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.runners import InMemoryRunner
from google.genai import types
from pydantic import Field
from story import AGAIN, FIRST, desk

from graphsvc.client.pep.adk import GraphsvcPlugin


class Scripted(BaseLlm):
    """A model that calls the tools it was told to call."""

    calls: list[Any] = Field(default_factory=list)

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        if self.calls:
            name, given = self.calls.pop(0)
            part = types.Part(function_call=types.FunctionCall(name=name, args=given))
        else:
            part = types.Part(text="done")
        yield LlmResponse(content=types.Content(role="model", parts=[part]))


async def main() -> None:
    async with desk() as held:

        async def play(calls: list[tuple[str, dict[str, str]]]) -> None:
            agent = LlmAgent(
                name="desk",
                model=Scripted(model="scripted", calls=list(calls)),
                tools=[held.lookup, held.wipe, held.send],
            )
            runner = InMemoryRunner(agent=agent, app_name="desk", plugins=[GraphsvcPlugin(held.guard)])
            session = await runner.session_service.create_session(app_name="desk", user_id="alice")
            said = types.Content(role="user", parts=[types.Part(text="go")])
            async for event in runner.run_async(user_id="alice", session_id=session.id, new_message=said):
                for answer in event.get_function_responses():
                    held.told.append(str(next(iter((answer.response or {}).values()))))

        await play(FIRST)
        await held.approve()
        await play(AGAIN)
        held.finish()


asyncio.run(main())
