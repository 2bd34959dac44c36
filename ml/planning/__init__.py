"""Which variables a use case is given for a region and period, and why."""
