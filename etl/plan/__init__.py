"""STAGE valid records and a read-only view of state to a plan: what would be created, updated or left alone, in which
order, and which links are set later.
"""
