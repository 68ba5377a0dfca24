"""Paidan over gRPC: servicers, the server and the thin client. The wire contract stands in ``proto/paidan/v1``."""
