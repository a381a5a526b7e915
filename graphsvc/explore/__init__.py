"""Static analysis: what could go wrong at all, as pure functions."""
