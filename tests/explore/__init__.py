"""Static questions: combinations, paths, blast radius."""
