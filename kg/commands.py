"""Subcommands on the graph itself."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from pyoxigraph import NamedNode, QueryResultsFormat, QuerySolutions, RdfFormat
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kg.errors import FormatError, RdfSyntaxError, StoreError, ValidationFailedError
from kg.index_keeper import copy_kept
from kg.inference import infer_variable_types
from kg.options import CONSOLE, IRI, open_store, progress_stages, store_options
from kg.query import is_graph, serialise_result, text, with_prefixes
from kg.solutions import Solutions
from kg.validation.shacl import validate_store
from kg.views.notes import notes
from kg.vocabulary import install_ontology
from ontology.terms import compact

if TYPE_CHECKING:
    from kg.store import QueryResult

_FORMATS: dict[str, QueryResultsFormat | RdfFormat] = {
    "json": QueryResultsFormat.JSON,
    "xml": QueryResultsFormat.XML,
    "csv": QueryResultsFormat.CSV,
    "tsv": QueryResultsFormat.TSV,
    "ttl": RdfFormat.TURTLE,
    "nt": RdfFormat.N_TRIPLES,
    "jsonld": RdfFormat.JSON_LD,
}
_RDF_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("sparql")
@click.option(
    "--format",
    "result_format",
    type=click.Choice(["table", *_FORMATS]),
    help="Default: a table for SELECT and ASK, Turtle for CONSTRUCT and DESCRIBE.",
)
@click.option("--infer", is_flag=True, help="Answer under RDFS entailment.")
@click.option(
    "--rewrite/--no-rewrite",
    default=True,
    show_default=True,
    help="Answer geo:sfWithin and its kin from geometries too.",
)
@click.option("--explain", is_flag=True, help="Show how the query is planned, not its answer.")
@store_options
def query(
    sparql: str,
    result_format: str | None,
    infer: bool,
    rewrite: bool,
    explain: bool,
    store: Path,
    endpoint: str | None,
) -> None:
    """Ask a SPARQL query; `-` reads it from standard input, `@FILE` from a file."""
    sparql = _sparql_text(sparql)
    with open_store(store, endpoint, read_only=True) as opened:
        if explain:
            click.echo(str(opened.explain(sparql, infer=infer, rewrite=rewrite)))
            return
        result = opened.query(sparql, infer=infer, rewrite=rewrite)
        chosen = result_format or ("ttl" if is_graph(result) else "table")
        if chosen == "table":
            if is_graph(result):
                raise click.UsageError(
                    "a CONSTRUCT or DESCRIBE result is no table; use --format ttl"
                )
            _print_table(result)
            return
        try:
            body = serialise_result(result, _FORMATS[chosen])
        except FormatError as error:
            raise click.UsageError(str(error)) from error
    sys.stdout.buffer.write(body)
    if not body.endswith(b"\n"):
        sys.stdout.buffer.write(b"\n")


@click.command()
@click.argument("sparql")
@store_options
def update(sparql: str, store: Path, endpoint: str | None) -> None:
    """Execute a SPARQL update; `-` reads it from standard input, `@FILE` from a file."""
    sparql = _sparql_text(sparql)
    with open_store(store, endpoint) as opened:
        opened.update(sparql)


@click.command()
@click.argument("files", nargs=-1, required=True, type=_RDF_FILE)
@click.option("--graph", type=IRI, help="Named graph to load into; else the default graph.")
@store_options
def load(
    files: tuple[Path, ...], graph: NamedNode | None, store: Path, endpoint: str | None
) -> None:
    """Load RDF files (ttl, nt, nq, trig, rdf, jsonld) into the graph, each all or nothing."""
    formats = [_format_of(file) for file in files]
    with open_store(store, endpoint) as opened:
        for file, rdf_format in zip(files, formats, strict=True):
            with file.open("rb") as source:
                count = opened.load(source, rdf_format, graph=graph)
            CONSOLE.print(f"{file}: {count} triples")


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--graph", type=IRI, help="Only this named graph.")
@store_options
def dump(file: Path, graph: NamedNode | None, store: Path, endpoint: str | None) -> None:
    """Write the graph to an RDF file; its name's ending says in which format."""
    rdf_format = _format_of(file)
    partial = file.with_name(file.name + ".partial")
    with open_store(store, endpoint, read_only=True) as opened:
        with partial.open("wb") as target:
            opened.dump(target, rdf_format, graph=graph)
        partial.replace(file)


@click.command()
@store_options
def validate(store: Path, endpoint: str | None) -> None:
    """Check everything against the SHACL shapes; exit 1 where something is wrong."""
    with open_store(store, endpoint, read_only=True) as opened, progress_stages() as stage:
        report = validate_store(
            opened, progress=lambda done, total: stage("validating", done, total)
        )
        broken = opened.broken_geometries()
        odd = notes(opened)
    for note in odd[:50]:
        click.echo(note)
    for violation in report.violations[:50]:
        click.echo(str(violation))
    for geometry in broken[:50]:
        click.echo(f"no geometry: {geometry}")
    if broken:
        click.echo(f"{len(broken)} geometry literal(s) cannot be read; queries pass them over")
    if not report.conforms:
        raise ValidationFailedError(
            f"{len(report.violations)} violation(s) in {report.checked} nodes"
        )
    click.echo(f"{report.checked} nodes conform to the shapes")


@click.command()
@store_options
def reason(store: Path, endpoint: str | None) -> None:
    """Run HermiT over the ontology and all variables; write the types that follow."""
    with open_store(store, endpoint) as opened:
        install_ontology(opened)
        inferred = infer_variable_types(opened)
    table = Table("item", "is also a")
    for individual, types in inferred.items():
        for kind in sorted(compact(t.value) for t in types):
            table.add_row(compact(individual.value), kind)
    Console().print(table)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@store_options
def backup(folder: Path, store: Path, endpoint: str | None) -> None:
    """Write a consistent copy of the store into a new FOLDER."""
    with open_store(store, endpoint, read_only=True) as opened:
        opened.snapshot(folder)
    click.echo(f"{folder} is a copy of {endpoint or store}")


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@store_options
def restore(folder: Path, store: Path, endpoint: str | None) -> None:
    """Make a store from the backup in FOLDER; it must not exist yet."""
    if endpoint:
        raise click.UsageError("a remote store is restored on its server")
    if store.exists():
        raise StoreError(f"{store} exists already; move it away or name another with --store")
    with open_store(folder, read_only=True):
        pass  # it is a store, and nobody is writing it
    shutil.copytree(folder, store)
    copy_kept(folder, store)
    click.echo(f"{store} is restored from {folder}")


def _sparql_text(argument: str) -> str:
    """Return the SPARQL that an argument names; our prefixes need not be declared."""
    if argument == "-":
        return with_prefixes(sys.stdin.read())
    if argument.startswith("@"):
        path = Path(argument[1:])
        if not path.is_file():
            raise click.UsageError(f"no file {path}")
        return with_prefixes(path.read_text(encoding="utf-8"))
    return with_prefixes(argument)


def _format_of(file: Path) -> RdfFormat:
    rdf_format = RdfFormat.from_extension(file.suffix.removeprefix("."))
    if rdf_format is None:
        raise RdfSyntaxError(
            f"no RDF format has the ending {file.suffix!r}; use ttl, nt, nq, trig, rdf or jsonld"
        )
    return rdf_format


def _print_table(result: QueryResult) -> None:
    console = Console()
    if not isinstance(result, QuerySolutions | Solutions):
        console.print("yes" if result else "no")
        return
    table = Table()
    for variable in result.variables:
        table.add_column(variable.value, overflow="fold")
    for row in result:
        # As Text: a literal may look like markup.
        table.add_row(*(Text("" if term is None else compact(text(term))) for term in row))
    console.print(table)
