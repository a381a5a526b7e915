"""What rights combine into: rules over held rights, their closure, and how near it brings harm."""
