"""Events in time series, by concepts that are data."""
