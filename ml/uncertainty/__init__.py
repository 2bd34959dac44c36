"""From predictions with known outcomes to intervals, and to better probabilities."""
