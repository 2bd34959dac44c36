"""The subcommand `deepcube reason`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kg.cli.opening import open_store
from kg.cli.options import store_options

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@store_options
def reason(store: Path, endpoint: str | None) -> None:
    """Run HermiT over the ontology and all variables; write the types that follow."""
    from rich.console import Console
    from rich.table import Table

    from kg.reasoning.inferred_types import infer_variable_types
    from kg.vocabulary import install_ontology
    from ontology.terms import compact

    with open_store(store, endpoint) as opened:
        install_ontology(opened)
        inferred = infer_variable_types(opened)
    table = Table("item", "is also a")
    for individual, types in inferred.items():
        for kind in sorted(compact(t.value) for t in types):
            table.add_row(compact(individual.value), kind)
    Console().print(table)
