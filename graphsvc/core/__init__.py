"""The model and the engine, as pure functions of values."""
