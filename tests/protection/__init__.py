"""Protection levels, and packs on trial."""
