"""The processes of a server: the supervisor, the server process, and the embedded PostgreSQL."""
