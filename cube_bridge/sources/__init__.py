"""What the graph says of any source: its title and licence, variables, statistics and origin."""
