"""Random geometries, documents, queries and updates, for the tests that compare two ways."""
