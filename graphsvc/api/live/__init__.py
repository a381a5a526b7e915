"""Subscriptions: read once for all who ask the same, written once, sent to each at its own pace."""
