"""Subcommands that bring data into the graph and take it out again."""
