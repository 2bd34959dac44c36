"""Subcommands on the graph, and what all subcommands share: the store, IRIs, progress."""
