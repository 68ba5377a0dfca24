"""The demonstration: made-up data, the commands a person would type, and what came of them."""
