"""The adapter that speaks HTTP with Casebook: :class:`etl.casebook.client.CasebookClient` is its one way in."""
