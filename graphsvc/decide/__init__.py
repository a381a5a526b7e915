"""The use cases: decisions in order, grants, reviews, policies; ports as Protocols."""
