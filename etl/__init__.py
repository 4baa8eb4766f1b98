"""casebook-etl: moves an agency's legacy data into Casebook and proves that nothing was lost or doubled."""

__version__ = "0.1.0"
