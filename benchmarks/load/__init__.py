"""A light load generator. It is the same one for Paidan and for the bare echo server it is held against."""
