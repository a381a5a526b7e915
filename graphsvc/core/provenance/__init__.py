"""Where the values of an action's critical arguments came from, and what follows from it."""
