"""What a prediction owes to each of its inputs."""
