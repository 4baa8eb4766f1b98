"""The sandbox on a real socket: blocking for the command line, in a thread for tests and the demonstration.

Cutting a connection is what a web server exists to prevent, so the protocol class offers it to the application by the
ASGI scope; it sends a reset at once, or closes after what was written.
"""

from __future__ import annotations

import signal
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

import uvicorn
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from etl.core.errors import SettingsError
from etl.sandbox.app import create_app
from etl.sandbox.oracle import Oracle
from etl.sandbox.settings import SandboxSettings
from etl.sandbox.traffic import CUT

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_START_S = 30.0


class CuttableProtocol(H11Protocol):
    """HTTP/1.1 whose connections the application can cut."""

    async def _app_with_cut(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.config.loaded_app({**scope, CUT: self._cut}, receive, send)

    def connection_made(self, transport: object) -> None:
        """Put the way to cut in the application's reach."""
        super().connection_made(transport)  # type: ignore[arg-type] # asyncio and uvloop give transports of different classes
        self.app = self._app_with_cut

    def _cut(self, flush: bool) -> None:
        if flush:
            self.transport.close()
            return
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.transport.abort()


class _Server(uvicorn.Server):
    """Tells when it listens, and ends quietly on a signal instead of raising it anew."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature is uvicorn's
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


@dataclass(frozen=True, slots=True)
class Handle:
    """A running sandbox: where to reach it, and its truth."""

    base_url: str
    token_url: str
    oracle: Oracle


def serve(
    settings: SandboxSettings, host: str = "127.0.0.1", port: int = 0, on_ready: Callable[[int], None] = lambda _: None
) -> None:
    """Serve until SIGTERM or SIGINT, then closes the database. Port 0 takes a free one; ``on_ready`` gets the port.

    Raises SettingsError where the address cannot be bound.
    """
    with _bound(host, port) as listening:
        app = create_app(settings)
        try:
            _Server(_config(app), lambda: on_ready(listening.getsockname()[1])).run([listening])
        finally:
            app.state.close()


@contextmanager
def running(settings: SandboxSettings, host: str = "127.0.0.1", port: int = 0) -> Iterator[Handle]:
    """Run a sandbox in a thread, stopped on the way out."""
    with _bound(host, port) as listening:
        app = create_app(settings)
        ready = threading.Event()
        server = _Server(_config(app), ready.set)
        thread = threading.Thread(target=server.run, args=([listening],), name="sandbox", daemon=True)
        thread.start()
        try:
            if not ready.wait(_START_S):
                raise SettingsError("The sandbox did not start.", hint="Try another port.")
            base_url = f"http://{host}:{listening.getsockname()[1]}"
            yield Handle(base_url, f"{base_url}/oauth2/token", app.state.oracle)
        finally:
            server.should_exit = True
            thread.join()
            app.state.close()


@contextmanager
def _bound(host: str, port: int) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, port))
        except OSError as error:
            raise SettingsError(
                f"The sandbox cannot listen on {host}:{port}: {error.strerror}.", hint="Choose another port."
            ) from error
        yield listening


def _config(app: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=CuttableProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=1,
    )
