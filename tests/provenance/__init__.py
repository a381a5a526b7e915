"""Where values come from, and what may be done with them."""
