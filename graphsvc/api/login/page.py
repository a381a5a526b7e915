"""What people see when a login did not succeed: why, and what to do next. Programs get the same as JSON."""

from __future__ import annotations

from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from graphsvc.api.dashboard import PAGE_HEADERS
from graphsvc.api.failure import failure

__all__ = ["login_failed"]

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Not logged in - graphsvc</title><link rel="icon" href="/static/icon.svg"><link rel="stylesheet" href="/static/style.css"></head>
<body><main class="login"><section class="card"><h1>You are not logged in</h1>
<p class="problem" role="alert">{message}</p>
<p>{hint}</p>
<p><a class="button" href="/login/start">Log in again</a></p>
<p class="or dim">or <a href="/">log in with a token</a></p></section></main></body></html>
"""


def login_failed(request: Request, status: int, message: str, hint: str) -> Response:
    """The answer to a browser, or to a program that asks for no page. hint: what to do next, a sentence."""
    if "text/html" not in request.headers.get("accept", ""):
        return failure(status, "login_failed", f"{message}; {hint[:1].lower()}{hint[1:].rstrip('.')}")
    text = _PAGE.format(message=escape(message), hint=escape(hint))
    return HTMLResponse(text, status_code=status, headers=PAGE_HEADERS)
