"""The subcommand `deepcube query`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
from pyoxigraph import QueryResultsFormat, QuerySolutions, RdfFormat

from kg.cli.arguments import sparql_text
from kg.cli.opening import open_store
from kg.cli.options import store_options

if TYPE_CHECKING:
    from pathlib import Path

    from kg.results.solutions import QueryResult

_FORMATS: dict[str, QueryResultsFormat | RdfFormat] = {
    "json": QueryResultsFormat.JSON,
    "xml": QueryResultsFormat.XML,
    "csv": QueryResultsFormat.CSV,
    "tsv": QueryResultsFormat.TSV,
    "ttl": RdfFormat.TURTLE,
    "nt": RdfFormat.N_TRIPLES,
    "jsonld": RdfFormat.JSON_LD,
}


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
    from kg.embedded.plain_reader import PlainReader, is_plain

    sparql = sparql_text(sparql)
    if not (endpoint or infer or explain) and is_plain(sparql):
        with PlainReader(store) as reader:
            _show(reader.query(sparql), result_format)
        return
    with open_store(store, endpoint, read_only=True) as opened:
        if explain:
            click.echo(str(opened.explain(sparql, infer=infer, rewrite=rewrite)))
        else:
            _show(opened.query(sparql, infer=infer, rewrite=rewrite), result_format)


def _show(result: QueryResult, result_format: str | None) -> None:
    """Write a result to stdout, as a table or in one of `_FORMATS`."""
    from kg.errors import FormatError
    from kg.results.formats import is_graph, serialise_result

    chosen = result_format or ("ttl" if is_graph(result) else "table")
    if chosen == "table":
        if is_graph(result):
            raise click.UsageError("a CONSTRUCT or DESCRIBE result is no table; use --format ttl")
        _print_table(result)
        return
    try:
        body = serialise_result(result, _FORMATS[chosen])
    except FormatError as error:
        raise click.UsageError(str(error)) from error
    sys.stdout.buffer.write(body)
    if not body.endswith(b"\n"):
        sys.stdout.buffer.write(b"\n")


def _print_table(result: QueryResult) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from kg.rdf.terms import text
    from kg.results.solutions import Solutions
    from ontology.terms import compact

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
