"""The subcommand `deepcube serve`."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import click

from kg.cli.opening import open_store
from kg.cli.options import store_options

if TYPE_CHECKING:
    from pathlib import Path


#: How long a query that is under way may take once the server is told to stop.
_SHUTDOWN_S = 5


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--read-only", is_flag=True, help="Refuse updates.")
@click.option(
    "--rewrite/--no-rewrite",
    default=True,
    show_default=True,
    help="Derive GeoSPARQL relations from geometries where a query does not say.",
)
@store_options
def serve(
    host: str,
    port: int,
    read_only: bool,
    rewrite: bool,
    store: Path,
    endpoint: str | None,
) -> None:
    """Serve the SPARQL endpoint and a page for every IRI."""
    import uvicorn

    from api.app import create_app
    from kg.rdf.iris import Iris

    _refuse_port_in_use(host, port)
    with open_store(store, endpoint, read_only=read_only) as opened:
        app = create_app(
            opened,
            iris=Iris.from_environment(),
            read_only=read_only,
            rewrite=rewrite,
        )
        shown = f"[{host}]" if ":" in host else host
        click.echo(f"http://{shown}:{port}  (SPARQL at /sparql; stop with Ctrl-C)", err=True)
        uvicorn.run(
            app, host=host, port=port, log_level="warning", timeout_graceful_shutdown=_SHUTDOWN_S
        )


def _refuse_port_in_use(host: str, port: int) -> None:
    from api.errors import PortInUseError

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortInUseError(
                f"cannot listen on {host}:{port} ({error.strerror}); choose another with --port"
            ) from error
