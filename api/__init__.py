"""What people and programs see: SPARQL endpoint, linked-data pages, the `deepcube` command."""
