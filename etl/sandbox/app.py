"""The sandbox as one ASGI application: Casebook's paths, the storage for uploads, and its own control paths.

Control paths (``/``, ``/openapi.json``, ``/_sandbox/...``) meet no faults and are not journalled; everything else goes
through :mod:`etl.sandbox.traffic`.
"""

from __future__ import annotations

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from etl.core.errors import SettingsError
from etl.sandbox.desk import Desk, open_desk
from etl.sandbox.faults import faults_of
from etl.sandbox.openapi import openapi_document
from etl.sandbox.oracle import Oracle, as_document
from etl.sandbox.page import render
from etl.sandbox.settings import SandboxSettings
from etl.sandbox.traffic import Traffic


def create_app(settings: SandboxSettings) -> Starlette:
    """Return the application; ``app.state.oracle`` tells its truth in-process, ``app.state.use_faults()`` replaces its
    faults, ``app.state.close()`` closes its database.
    """
    desk = open_desk(settings)
    control = _Control(desk, Traffic(desk, settings))
    app = Starlette(
        routes=[
            Route("/", control.page),
            Route("/openapi.json", control.openapi),
            Route("/_sandbox/journal", control.journal),
            Route("/_sandbox/counts", control.counts),
            Route("/_sandbox/records/{entity}", control.records),
            Route("/_sandbox/faults", control.faults, methods=["PUT"]),
            Route("/{path:path}", control.traffic),
        ]
    )
    app.state.oracle = Oracle(desk.database)
    app.state.use_faults = control.traffic.use_faults
    app.state.close = desk.database.close
    return app


class _Control:
    def __init__(self, desk: Desk, traffic: Traffic) -> None:
        self.traffic = traffic
        self._desk = desk
        self._oracle = Oracle(desk.database)

    async def page(self, request: Request) -> Response:
        return HTMLResponse(
            render(self._desk.database, request.query_params.get("entity", "")),
            headers={"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"},
        )

    async def openapi(self, _: Request) -> Response:
        return _json(openapi_document(self._desk.schema))

    async def journal(self, request: Request) -> Response:
        return _json([as_document(entry) for entry in self._oracle.journal(request.query_params.get("method"))])

    async def counts(self, _: Request) -> Response:
        return _json(self._oracle.counts())

    async def records(self, request: Request) -> Response:
        return _json([as_document(record) for record in self._oracle.records(request.path_params["entity"])])

    async def faults(self, request: Request) -> Response:
        try:
            self.traffic.use_faults(faults_of(orjson.loads(await request.body())))
        except (SettingsError, orjson.JSONDecodeError) as error:
            return _json({"error": str(error)}, 422)
        return Response(status_code=204)


def _json(document: object, status: int = 200) -> Response:
    return Response(orjson.dumps(document), status, media_type="application/json")
