"""How fast it is: engine, service and imports, with baselines measured in the same run."""
