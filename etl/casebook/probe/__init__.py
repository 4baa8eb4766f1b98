"""Finds out by trying what a tenant can do; every answer is a fact with its evidence, nothing is taken for granted."""
