"""What is answered at which address: a module for each, with a `router` and its `ORDER`."""
