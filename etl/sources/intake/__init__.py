"""Measures legacy tables before anything is mapped: bytes and lines of files, columns, keys and references of tables."""
