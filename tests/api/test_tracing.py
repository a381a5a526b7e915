"""Spans: what was asked and how it ended, and nothing of what was sent."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from graphsvc.api import tracing
from graphsvc.errors import SettingsError
from tests.api.served import SEND, request, served

pytestmark = pytest.mark.anyio
_PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def test_spans_hold_no_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Route, method and status, in the caller's trace; no value, token or document of a request."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr("graphsvc.api.app.traced", lambda app: tracing.Tracing(app, provider))
    async with served() as service, service.client() as client:
        await client.decide(request(SEND, context={"secret": "SECRET"}))
        headers = {"Authorization": f"Bearer {service.token()}", "traceparent": _PARENT}
        async with service.http.post(
            f"{service.url}/access/v1/evaluation", json={"subject": "SECRET"}, headers=headers
        ):
            pass
        async with service.http.get(f"{service.url}/access/v1/requests/SECRET", headers=headers):
            pass
    spans = exporter.get_finished_spans()
    names = [span.name for span in spans]
    assert names[:3] == ["POST /graphql", "POST /access/v1/evaluation", "GET /access/v1/requests/*"]
    assert [span.attributes["http.response.status_code"] for span in spans[:3]] == [200, 400, 404]  # type: ignore[index]
    assert spans[1].context.trace_id == int(_PARENT.split("-")[1], 16)
    assert spans[1].parent is not None
    for span in spans:
        text = span.to_json()
        assert not any(word in text for word in ("SECRET", "eve@", "mutation", "Bearer", "gateway-1"))


def test_tracing_is_off_unless_it_is_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an endpoint the application is as it was; with one it is wrapped."""
    app: Any = object()
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    assert tracing.traced(app) is app
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    assert isinstance(tracing.traced(app), tracing.Tracing)
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert tracing.traced(app) is app


def test_missing_libraries_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint without the extra says what to install."""
    import builtins

    original = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("opentelemetry"):
            raise ImportError(name)
        return original(name, *rest, **more)

    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SettingsError, match=r"graphsvc\[otel\]"):
        tracing.traced(object())  # type: ignore[arg-type]
