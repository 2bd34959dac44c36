"""The vocabulary of the platform: Turtle modules, SHACL shapes, and their IRIs as constants."""
