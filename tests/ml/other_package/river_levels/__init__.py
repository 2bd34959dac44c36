"""River levels a week ahead: a use case that another package brings."""
