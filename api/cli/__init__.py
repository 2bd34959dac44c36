"""Subcommands that serve the graph."""
