"""Rights of AWS accounts against an evaluator that others wrote, in a process of its own."""
