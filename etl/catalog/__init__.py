"""What Casebook accepts, as data. Re-exports nothing: the sandbox may read the data but not the payload models."""
