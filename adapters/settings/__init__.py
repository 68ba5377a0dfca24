"""What an operator may set, where each value came from, and the limits."""
