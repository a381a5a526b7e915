"""What happened, told to those who listen: log tail, projector, bus."""
