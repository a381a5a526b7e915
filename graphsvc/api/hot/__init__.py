"""The hot path: decisions over GraphQL by plans made from the caller's documents, at the price of REST."""
