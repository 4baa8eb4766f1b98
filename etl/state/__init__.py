"""The state database: remembers for every record whether it may be, is, or certainly is not in Casebook.

``open_store`` gives the one writer, ``open_reader`` a reader that works beside it.
"""

from etl.state.opening import open_reader, open_store, state_exists
from etl.state.postgres import ServerPlace
from etl.state.reader import SqlReader
from etl.state.store import SqlStore

__all__ = ["ServerPlace", "SqlReader", "SqlStore", "open_reader", "open_store", "state_exists"]
