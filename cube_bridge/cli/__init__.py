"""Subcommands that bring data into the graph (`index`) and take it out again (`export`)."""
