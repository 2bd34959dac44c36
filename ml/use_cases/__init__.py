"""The use cases: a package each, found by its name. They know nothing of each other."""
