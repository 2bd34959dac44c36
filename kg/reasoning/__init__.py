"""HermiT, and the facts it is given."""
