"""Rights, reach and what rights combine into, against definitions that search by brute force."""
