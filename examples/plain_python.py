"""No framework: functions that run only when they may."""

import asyncio

from story import AGAIN, FIRST, desk

from graphsvc.client.pep.tool import Refusal


async def main() -> None:
    async with desk() as held:

        async def call(tool: str, arguments: dict[str, str]) -> None:
            async def run() -> str:
                return str(getattr(held, tool)(**arguments))

            outcome = await held.guard.run(tool, arguments, run)
            held.told.append(outcome.text if isinstance(outcome, Refusal) else outcome)

        for tool, arguments in FIRST:
            await call(tool, arguments)
        await held.approve()
        for tool, arguments in AGAIN:
            await call(tool, arguments)
        held.finish()


asyncio.run(main())
