"""The synchronous client and guarded functions, before a real service over TCP and a Unix socket."""

from __future__ import annotations

import asyncio
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from graphsvc.client import AsyncTask, CallFailed, Client, Denied, Escalated, SyncClient, Task
from graphsvc.core.verdict import Verdict
from graphsvc.errors import BadInput, Conflict, NotAllowed
from tests.api.served import SEND, request, served
from tests.dashboard.test_dashboard import ESCALATING

pytestmark = pytest.mark.anyio


async def test_the_sync_client_answers_as_the_other(tmp_path: Path) -> None:
    """Same keys, same answers, same errors; threads share it, each with a connection of its own."""
    async with served() as service, service.client() as other:
        with SyncClient(service.url, service.token()) as client:
            first = await asyncio.to_thread(client.decide, {**request(), "idempotencyKey": "k"})
            again = await other.decide({**request(), "idempotencyKey": "k"})
            assert (again.id, again.replayed) == (first.id, True)
            with pytest.raises(Conflict):
                await asyncio.to_thread(
                    client.decide, {**request("crm:Read", "record:1"), "idempotencyKey": "k"}
                )
            with pytest.raises(BadInput):
                await asyncio.to_thread(client.decide, {"chain": "c1"})
            many = await asyncio.to_thread(
                client.decide_many, [request("crm:Read", "record:42"), request(SEND)]
            )
            assert [each.verdict for each in many if not isinstance(each, Exception)] == [
                Verdict.PERMIT,
                Verdict.DENY,
            ]
            assert (await asyncio.to_thread(client.evaluate, request(SEND))).verdict is Verdict.DENY
            assert (await asyncio.to_thread(client.report, first.id, labels=["x"])).revision
            verdicts = await asyncio.gather(
                *(asyncio.to_thread(client.decide, request(chain=f"t{place}")) for place in range(20))
            )
            assert all(each.permitted for each in verdicts)
        with SyncClient(service.url, service.token("auditor")) as auditor, pytest.raises(NotAllowed):
            await asyncio.to_thread(auditor.decide, request())
        with SyncClient(service.url, "x.y.z") as stranger, pytest.raises(NotAllowed):
            await asyncio.to_thread(stranger.decide, request())


def test_no_answer_is_deny_in_time() -> None:
    """Nobody listens; somebody listens and says nothing; somebody says nonsense."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with SyncClient(url, retries=0, deadline_ms=200) as client:
            refused = client.decide(request())
            assert [reason.code for reason in refused.reasons] == ["service_unreachable"]
            silent.listen()
            late = client.decide(request())
            assert (late.verdict, late.recorded) == (Verdict.DENY, False)
            assert [reason.code for reason in late.reasons] == ["deadline_exceeded"]

            def nonsense() -> None:
                # The first in the queue is the call from above, which nobody waits for any more.
                for _ in range(2):
                    connection, _ = silent.accept()
                    with connection:
                        connection.recv(65_536)
                        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")

            thread = threading.Thread(target=nonsense, daemon=True)
            thread.start()
            with SyncClient(url, deadline_ms=3_000) as other, pytest.raises(CallFailed):
                other.decide(request())
            thread.join(5)
    with pytest.raises(BadInput):
        SyncClient("localhost:8080")


async def test_a_guarded_function_runs_only_when_permitted() -> None:
    """The third call completes a path: its function never runs. What a call returned feeds the next decision."""
    done: list[str] = []
    async with served() as service, Client(service.url, service.token()) as client:

        def work() -> None:
            with (
                SyncClient(service.url, service.token()) as sync,
                Task(sync, "t1", subject="bot", on_behalf_of=["alice"]) as task,
            ):

                @task.guard("mail:Read", "mailbox:alice", labels=lambda _: ["untrusted"])
                def read_mail() -> str:
                    done.append("mail")
                    return "text"

                @task.guard("crm:Read", lambda number: f"record:{number}")
                def read_record(number: int) -> int:
                    done.append(f"record {number}")
                    return number

                @task.guard("mail:Send", "mailbox:alice", properties=lambda to: {"to": to})
                def send(to: str) -> None:
                    done.append(to)

                @task.guard("odd:Break", "record:1")
                def fails() -> None:
                    raise ZeroDivisionError

                assert read_mail() == "text"
                assert read_record(42) == 42
                with pytest.raises(Denied, match="DENY: pattern_completed") as caught:
                    send("eve@example.org")
                assert caught.value.decision.completions
                assert "trifecta" not in str(caught.value)
                with pytest.raises(ZeroDivisionError):
                    fails()

        await asyncio.to_thread(work)
        assert done == ["mail", "record 42"]
        chain = service.harness.service.chain("t1")
        assert chain is not None
        assert chain.closed
        reported = service.harness.service.world.reported.values()
        assert sorted((each.outcome, each.labels) for each in reported) == [
            ("FAILURE", ()), ("SUCCESS", ()), ("SUCCESS", ("untrusted",)),
        ]  # fmt: skip
        with pytest.raises(BadInput):
            await AsyncTask(client, "t2", subject="bot").decide("mail:Read", "nonsense")


async def test_a_block_is_done_only_when_permitted() -> None:
    """`act` refuses before the block begins, and tells afterwards what it brought in or that it failed."""
    done: list[str] = []
    async with served() as service, Client(service.url, service.token()) as client:

        def work() -> None:
            with SyncClient(service.url, service.token()) as sync, Task(sync, "t1", subject="bot") as task:
                with task.act("mail:Read", "mailbox:alice") as act:
                    done.append("mail")
                    act.labels.append("untrusted")
                with pytest.raises(ZeroDivisionError), task.act("crm:Read", "record:1"):
                    raise ZeroDivisionError

        await asyncio.to_thread(work)
        async with AsyncTask(client, "t2", subject="bot") as task:
            for action, resource in (("mail:Read", "mailbox:alice"), ("crm:Read", "record:42")):
                async with task.act(action, resource) as act:
                    assert act.decision.permitted
                    done.append(resource)
            sending = {"name": "mail:Send", "properties": {"to": "eve@example.org"}}
            with pytest.raises(Denied):
                async with task.act(sending, "mailbox:alice"):
                    done.append("sent")
        assert done == ["mail", "mailbox:alice", "record:42"]
        reported = service.harness.service.world.reported.values()
        assert sorted((each.outcome, each.labels) for each in reported) == [
            ("FAILURE", ()), ("SUCCESS", ()), ("SUCCESS", ()), ("SUCCESS", ("untrusted",)),
        ]  # fmt: skip


async def test_an_escalated_call_waits_for_its_review() -> None:
    """Approved meanwhile it goes through, once; rejected it is Denied; without waiting, Escalated."""
    done: list[int] = []
    async with (
        served() as service,
        service.client() as client,
        service.client("admin", subject="root") as admin,
        service.client("approver", subject="dana") as dana,
    ):
        await admin.publish_policy(ESCALATING)

        def deleting(task: AsyncTask) -> Any:
            @task.guard("erp:Delete", lambda number: f"vendor:{number}")
            async def delete(number: int) -> None:
                done.append(number)

            return delete

        with pytest.raises(Escalated) as caught:
            await deleting(AsyncTask(client, "t1", subject="bot"))(1)
        assert caught.value.decision.review is not None

        async def answer(how: Any) -> None:
            async with asyncio.timeout(10):
                while not (  # noqa: ASYNC110  # nobody tells this test
                    waiting := [each for each in (await dana.reviews()).reviews if each.status == "OPEN"]
                ):
                    await asyncio.sleep(0.05)
            await how(waiting[0].id, "looked at it")

        await dana.reject_review(caught.value.decision.review.id, "no")
        async with AsyncTask(client, "t2", subject="bot", wait_s=10) as task:
            answering = asyncio.create_task(answer(dana.approve_review))
            await deleting(task)(2)
            await answering
        assert done == [2]
        task = AsyncTask(client, "t3", subject="bot", wait_s=10)
        answering = asyncio.create_task(answer(dana.reject_review))
        with pytest.raises(Denied) as refused:
            await deleting(task)(3)
        assert not isinstance(refused.value, Escalated)
        await answering
        assert done == [2]


async def test_over_a_unix_socket(tmp_path: Path) -> None:
    """Both clients reach a service that listens at a file."""
    from graphsvc.api.app import create_app
    from graphsvc.api.auth import TokenVerifier
    from graphsvc.api.server import running

    path = tmp_path / "g.sock"
    async with served() as service:
        app = create_app(
            service.harness.service, service.harness.service.store, auth=TokenVerifier(service.key)
        )
        async with running(app, uds=path):
            with SyncClient(token=service.token(), uds=path) as client:
                assert (await asyncio.to_thread(client.decide, request())).permitted
            async with Client(token=service.token(), uds=path) as other:
                assert (await other.decide(request(chain="c2"))).permitted
