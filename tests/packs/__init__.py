"""The shipped packs, the sample company and recorded attack techniques."""
