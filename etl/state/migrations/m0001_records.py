"""Version 1: records with their attempts, links, uploads and attributes; runs, watermarks, the lease."""

from __future__ import annotations

STATEMENTS = (
    """CREATE TABLE meta (
        name TEXT NOT NULL PRIMARY KEY,
        value TEXT NOT NULL
    ){strict}""",
    """CREATE TABLE records (
        rk TEXT NOT NULL PRIMARY KEY,
        entity TEXT NOT NULL,
        mapping TEXT NOT NULL,
        state TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        field_hashes {blob} NOT NULL,
        attempt INTEGER NOT NULL,
        intent_epoch INTEGER,
        intent_at TEXT,
        target_id TEXT,
        scope TEXT,
        status INTEGER,
        error TEXT NOT NULL,
        run_id TEXT NOT NULL,
        updated_at TEXT NOT NULL,
        CONSTRAINT records_target UNIQUE (entity, target_id)
    ){strict}""",
    "CREATE INDEX records_open ON records (state, entity, rk) WHERE state <> 'created'",
    """CREATE TABLE links (
        rk TEXT NOT NULL REFERENCES records (rk),
        field TEXT NOT NULL,
        parent TEXT NOT NULL,
        done INTEGER NOT NULL,
        PRIMARY KEY (rk, field)
    ){strict}{by_key}""",
    "CREATE INDEX links_pending ON links (rk, field) WHERE done = 0",
    """CREATE TABLE uploads (
        rk TEXT NOT NULL PRIMARY KEY REFERENCES records (rk),
        size_bytes INTEGER NOT NULL,
        done INTEGER NOT NULL
    ){strict}""",
    "CREATE INDEX uploads_pending ON uploads (rk) WHERE done = 0",
    """CREATE TABLE attributes (
        rk TEXT NOT NULL REFERENCES records (rk),
        name TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (rk, name)
    ){strict}{by_key}""",
    """CREATE TABLE attempts (
        rk TEXT NOT NULL REFERENCES records (rk),
        attempt INTEGER NOT NULL,
        run_id TEXT NOT NULL,
        epoch INTEGER NOT NULL,
        intent_at TEXT NOT NULL,
        class TEXT,
        status INTEGER,
        error TEXT NOT NULL,
        settled_at TEXT,
        PRIMARY KEY (rk, attempt)
    ){strict}{by_key}""",
    """CREATE TABLE runs (
        number INTEGER NOT NULL PRIMARY KEY,
        run_id TEXT NOT NULL UNIQUE,
        command TEXT NOT NULL,
        started TEXT NOT NULL,
        ended TEXT,
        stage TEXT NOT NULL,
        exit_code INTEGER,
        fingerprints TEXT NOT NULL
    ){strict}""",
    """CREATE TABLE watermarks (
        source TEXT NOT NULL,
        table_name TEXT NOT NULL,
        column_name TEXT NOT NULL,
        value TEXT NOT NULL,
        run_id TEXT NOT NULL,
        PRIMARY KEY (source, table_name, column_name)
    ){strict}{by_key}""",
    """CREATE TABLE lease (
        id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
        host TEXT NOT NULL,
        boot_id TEXT NOT NULL,
        pid INTEGER NOT NULL,
        process_start INTEGER NOT NULL,
        command TEXT NOT NULL,
        run_id TEXT NOT NULL,
        taken_at TEXT NOT NULL,
        released INTEGER NOT NULL,
        epoch INTEGER NOT NULL
    ){strict}""",
    "INSERT INTO lease VALUES (1, '', '', 0, 0, '', '', '', 1, 0)",
)
