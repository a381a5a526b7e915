"""Spans of requests for OpenTelemetry (extra `otel`): what was asked and how it ended, never with what arguments.

Set up by the variables that OpenTelemetry defines (`OTEL_EXPORTER_OTLP_ENDPOINT` and others). A span of ours has the method,
the route, the status and, of sockets, that it was one: no query text, no variables, no tokens, no ids of callers.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graphsvc import __version__
from graphsvc.errors import SettingsError

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

__all__ = ["Tracing", "traced"]

_ENDPOINT = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
# Routes by their first parts, so that ids in paths are no names of spans.
_ROUTES = ("/access/v1/requests/", "/ext_authz/", "/static/")


def traced(app: ASGIApp) -> ASGIApp:
    """The application, with spans where OpenTelemetry is set up; SettingsError when its libraries are missing."""
    if not any(os.environ.get(name) for name in _ENDPOINT) or os.environ.get("OTEL_SDK_DISABLED") == "true":
        return app
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise SettingsError(
            f"{_ENDPOINT[0]} is set, but the libraries are missing; run `pip install 'graphsvc[otel]'`"
        ) from None
    resource = Resource.create(
        {"service.name": os.environ.get("OTEL_SERVICE_NAME", "graphsvc"), "service.version": __version__}
    )
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Tracing(app, provider)


class Tracing:
    """ASGI middleware: one span for each request and each socket, the child of the caller's (`traceparent`)."""

    def __init__(self, app: ASGIApp, provider: TracerProvider) -> None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._app = app
        self._tracer = provider.get_tracer("graphsvc", __version__)
        self._propagator = TraceContextTextMapPropagator()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request or one socket."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        from opentelemetry.trace import SpanKind, StatusCode

        carrier = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in scope["headers"]
            if name in {b"traceparent", b"tracestate"}
        }
        method = "WS" if scope["type"] == "websocket" else scope["method"]
        route = _route(scope["path"])
        with self._tracer.start_as_current_span(
            f"{method} {route}",
            context=self._propagator.extract(carrier),
            kind=SpanKind.SERVER,
            attributes={"http.request.method": method, "http.route": route},
            record_exception=False,
        ) as span:

            async def sent(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= 500:
                        span.set_status(StatusCode.ERROR)
                elif message["type"] == "websocket.close":
                    span.set_attribute("graphsvc.close_code", message.get("code", 1000))
                await send(message)

            await self._app(scope, receive, sent)


def _route(path: str) -> str:
    for start in _ROUTES:
        if path.startswith(start):
            return f"{start}*"
    return path if len(path) <= 64 else "*"
