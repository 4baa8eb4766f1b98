"""Adapters that read: legacy files and databases, the snapshot taken of them, and questions over that snapshot."""
