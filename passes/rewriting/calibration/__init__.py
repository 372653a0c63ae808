"""What the network's values are on calibration inputs."""
