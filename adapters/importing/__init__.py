"""Packages on their way in: the spool (fsspec), CSV read in chunks, and the importer process."""
