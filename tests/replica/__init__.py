"""Replicas as processes of their own on one real store."""
