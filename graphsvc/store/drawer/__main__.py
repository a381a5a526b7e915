"""The drawing process: `python -m graphsvc.store.drawer`, started by the service and told over standard input what to do."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import traceback
from contextlib import AbstractAsyncContextManager

from graphsvc.decide.painting import Canvas, paint_entries
from graphsvc.errors import GraphsvcError, StoreUnavailable
from graphsvc.store.address import Neo4jAddress, SqliteAddress, parse_store_url
from graphsvc.store.drawer.frame import ORDER, START, Failed, Order, Painted, Start, receive, send

# Decisions come first where processors are few.
_NICER = 5


async def _main() -> None:
    reader, writer = await asyncio.open_connection(sock=socket.socket(fileno=0))
    try:
        start = await receive(reader, START)
        if start is not None:
            async with _canvas(start) as canvas:
                # What was loaded stays.
                gc.freeze()
                await _serve(reader, writer, canvas)
    except GraphsvcError as error:
        await send(writer, Failed(str(error), is_unavailable=isinstance(error, StoreUnavailable)))
    except OSError:
        pass  # the service is gone
    except Exception:  # noqa: BLE001 - told where the service's log is
        await send(writer, Failed(traceback.format_exc(), is_defect=True))
    finally:
        writer.close()


def _canvas(start: Start) -> AbstractAsyncContextManager[Canvas]:
    match parse_store_url(start.store):
        case SqliteAddress(path=path):
            from graphsvc.store.sqlite.beside import draw_beside

            return draw_beside(path, start.incarnation)
        case Neo4jAddress() as address:
            from graphsvc.store.neo4j.beside import draw_beside as draw_beside_neo4j

            return draw_beside_neo4j(address, start.password, start.incarnation)
        case other:
            raise AssertionError(other)


async def _next(reader: asyncio.StreamReader) -> Order | None:
    return await receive(reader, ORDER)


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, canvas: Canvas) -> None:
    """Follow orders until the service is gone, which is noticed while one is followed, too."""
    following = asyncio.create_task(_next(reader))
    while (order := await following) is not None:
        following = asyncio.create_task(_next(reader))
        painting = asyncio.create_task(
            paint_entries(canvas, after=order.after, upto=order.upto, most=order.most)
        )
        await asyncio.wait({painting, following}, return_when=asyncio.FIRST_COMPLETED)
        if not painting.done():
            painting.cancel()
            await asyncio.wait({painting})
            return
        await send(writer, Painted(painting.result()))


if __name__ == "__main__":
    # Who stops the service may signal all its processes; this one ends when the service has closed it, or is gone.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.nice(_NICER)
    asyncio.run(_main())
