"""How a use case is judged: splits, metrics, baselines, all in one run."""
