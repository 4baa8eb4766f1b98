"""The mapping language: strict YAML documents with positions, checked as a whole and resolved into frozen values."""
