"""SQL dumps read without a server: the script is cut into tokens and understood as far as a dump needs, never run."""
