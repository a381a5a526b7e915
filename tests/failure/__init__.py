"""What callers get when things fail; each fault is caused for real."""
