"""The subcommand `deepcube export`: a selection of cubes becomes a file of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from pyoxigraph import NamedNode

from cube_bridge.defaults import AS_IS
from cube_bridge.regridding.methods import CHOSEN, METHODS
from kg.cli.opening import open_store
from kg.cli.options import IRI, store_options

if TYPE_CHECKING:
    from datetime import datetime

    import xarray as xr

    from cube_bridge.regridding.target_grid import GridSpec
    from kg.store import GraphStore


class _GridType(click.ParamType["str | NamedNode | GridSpec"]):
    """A grid: finest, coarsest, the IRI of a variable, or CRS@RESOLUTION."""

    name = "finest|coarsest|IRI|CRS@RESOLUTION"

    def convert(
        self,
        value: str | NamedNode | GridSpec,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str | NamedNode | GridSpec:
        from cube_bridge.regridding.target_grid import GridSpec
        from cube_bridge.selection.alignment import COARSEST, FINEST

        if not isinstance(value, str) or value in (FINEST, COARSEST):
            return value
        crs, at, resolution = value.rpartition("@")
        try:
            return GridSpec(crs=crs, resolution=float(resolution)) if at else NamedNode(value)
        except ValueError:
            self.fail(
                f"{value!r} is no grid; give finest, coarsest, the IRI of a variable, or a "
                "reference system and a resolution: EPSG:32632@250",
                param,
                ctx,
            )


@click.command()
@click.option("--variable", "variables", multiple=True, type=IRI, help="IRI of a variable.")
@click.option("--query", help="SPARQL whose solutions name ?variable or ?chunk, instead.")
@click.option("--region", help="Name or IRI of a place of the graph, or WKT.")
@click.option("--from", "begin", type=click.DateTime(), help="First moment, UTC.")
@click.option("--to", "end", type=click.DateTime(), help="Moment after the last.")
@click.option("--grid", type=_GridType(), help="Grid that all come onto, if they share none.")
@click.option(
    "--resampling",
    type=click.Choice((*CHOSEN, *METHODS)),
    default="auto",
    show_default=True,
    help="How values come onto it; auto lets the quantity decide.",
)
@click.option(
    "--time",
    default=AS_IS,
    show_default=True,
    help="as-is, intersection, or a time step: D, 8D, MS.",
)
@click.option(
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="The Zarr cube to write; its STAC item goes beside it.",
)
@click.option("--title", help="Title of the cube; else its name.")
@click.option("--license", "license_", help="IRI of its licence; else that it is not known.")
@click.option("--zarr-format", type=click.IntRange(2, 3), default=2, show_default=True)
@click.option(
    "--references",
    "as_references",
    is_flag=True,
    help="Write no cube but references to the chunks where they lie: Kerchunk's JSON.",
)
@click.option("--index", "into_graph", is_flag=True, help="Index the cube that is written.")
@click.option("--replace", is_flag=True, help="Take the place of what is at --output.")
@store_options
def export(
    variables: tuple[NamedNode, ...],
    query: str | None,
    region: str | None,
    begin: datetime | None,
    end: datetime | None,
    grid: str | NamedNode | GridSpec | None,
    resampling: str,
    time: str,
    output: Path,
    title: str | None,
    license_: str | None,
    zarr_format: int,
    as_references: bool,
    into_graph: bool,
    replace: bool,
    store: Path,
    endpoint: str | None,
) -> None:
    """Write a selection of cubes as one Zarr cube on one grid, or references to its chunks."""
    from cube_bridge.publishing.publish import publish_and_index, publish_cube
    from cube_bridge.selection.lazy_dataset import select_by_query
    from cube_bridge.sources.info import source_info
    from kg.rdf.iris import Iris, slug

    if bool(variables) == bool(query):
        raise click.UsageError("say what to export: --variable, or --query")
    if as_references:
        if grid or time != AS_IS or into_graph:
            raise click.UsageError(
                "references are to chunks as they lie: without --grid, --time and --index"
            )
        with open_store(store, endpoint, read_only=True) as opened:
            _write_references(
                opened, query or _naming(variables), region, (begin, end), output, replace=replace
            )
        return
    name = output.name.removesuffix(".zarr")
    info = source_info(id=slug(name), title=title or name, license=license_)
    with open_store(store, endpoint, read_only=not into_graph) as opened:
        asked = query or _naming(variables)
        dataset = select_by_query(
            opened, asked, region, begin, end, grid=grid, resampling=resampling, time=time
        )
        if into_graph:
            outcome = publish_and_index(
                opened, Iris.from_environment(), dataset, output, info,
                zarr_format=zarr_format, replace=replace,
            )  # fmt: skip
            click.echo(f"{output}: {_summary(dataset)}, <{outcome.source.value}>")
        else:
            publish_cube(dataset, output, info, zarr_format=zarr_format, replace=replace)
            click.echo(f"{output}: {_summary(dataset)}")


def _write_references(
    store: GraphStore,
    query: str,
    region: str | None,
    period: tuple[datetime | None, datetime | None],
    output: Path,
    *,
    replace: bool,
) -> None:
    # Kerchunk takes a second to load, which other exports need not wait for.
    from cube_bridge.publishing.chunk_references import references_by_query, write_references

    references = references_by_query(store, query, region, *period)
    write_references(references, output, replace=replace)
    count = sum(isinstance(r, list) for r in references["refs"].values())
    click.echo(f"{output}: references to {count} chunks where they lie")


def _naming(variables: tuple[NamedNode, ...]) -> str:
    return f"SELECT ?variable WHERE {{ VALUES ?variable {{ {' '.join(map(str, variables))} }} }}"


def _summary(dataset: xr.Dataset) -> str:
    return "; ".join(
        f"{name} ({', '.join(f'{d} {n}' for d, n in v.sizes.items())})"
        for name, v in dataset.data_vars.items()
    )
