"""Starting and stopping on ports and sockets."""

import socket
import stat
from pathlib import Path

import pytest

from graphsvc.api.app import create_app
from graphsvc.api.auth import OpenDoor
from graphsvc.api.server import AddressInUse, bind, running
from graphsvc.client import Client
from graphsvc.core.verdict import Verdict
from graphsvc.store.memory import open_memory
from tests.api.served import request
from tests.service.harness import serving

pytestmark = pytest.mark.anyio


def test_a_port_in_use_is_told_with_the_fix() -> None:
    """The second listener on a port is refused in one line, with exit code 3."""
    first = bind("127.0.0.1", 0)
    assert first.proto == socket.IPPROTO_TCP  # else answers wait for Nagle's algorithm
    port = first.getsockname()[1]
    with pytest.raises(
        AddressInUse, match=f"port {port} on 127.0.0.1 is in use; choose another with --port"
    ) as caught:
        bind("127.0.0.1", port)
    assert caught.value.exit_code == 3
    first.close()
    for host, bad_port in (("203.0.113.7", 8080), ("127.0.0.1", 70_000)):
        with pytest.raises(AddressInUse, match="choose another"):
            bind(host, bad_port)


async def test_a_unix_socket_serves_and_goes_away(tmp_path: Path) -> None:
    """A dead socket file is replaced, others may not open it, and it is gone afterwards."""
    path = tmp_path / "pdp.sock"
    bind("", 0, path).close()
    store = await open_memory()
    async with serving(store) as harness:
        await harness.prepare()
        app = create_app(harness.service, store, auth=OpenDoor())
        async with running(app, uds=path) as url, Client(url, uds=path) as client:
            assert stat.S_IMODE(path.stat().st_mode) == 0o660
            with pytest.raises(AddressInUse, match="is in use"):
                bind("", 0, path)
            assert (await client.decide(request())).verdict is Verdict.PERMIT
        assert not path.exists()
    path.write_text("a file")
    with pytest.raises(AddressInUse, match="is not a socket"):
        bind("", 0, path)
