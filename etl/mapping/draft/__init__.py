"""Drafts mappings from what the intake measured: a first proposal that people correct, never a decision made for them."""
