"""The policy file: its document model, loader, checks, lint and JSON Schema."""
