"""Drawing the graph in a process of its own, so that decisions do not share their interpreter with it."""
