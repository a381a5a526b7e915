"""Long random comparisons of the product with independent definitions: `make fuzz`."""
