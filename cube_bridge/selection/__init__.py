"""From what the graph knows to one lazy dataset on one grid."""
