"""One module a kind of source: in goes a file with its mapping, out come quads and columns."""
