"""The main job end to end on real input: imported estates, chains judged over HTTP, on every durable store."""
