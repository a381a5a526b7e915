"""Programs for developers of graphsvc; nothing here ships in the wheel."""
