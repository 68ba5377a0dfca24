"""Views in PostgreSQL: the projector that keeps them up, their rebuilding, and the queries that read them."""
