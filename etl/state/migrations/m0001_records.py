"""Version 1: records with their attempts, links, uploads and attributes; runs, watermarks, the lease."""

from __future__ import annotations

STATEMENTS = (
    """CREATE TABLE meta (
        name {text} NOT NULL PRIMARY KEY,
        value {text} NOT NULL
    ){strict}""",
    """CREATE TABLE records (
        rk {text} NOT NULL PRIMARY KEY,
        entity {text} NOT NULL,
        mapping {text} NOT NULL,
        state {text} NOT NULL,
        fingerprint {text} NOT NULL,
        field_hashes {blob} NOT NULL,
        attempt {integer} NOT NULL,
        intent_epoch {integer},
        intent_at {text},
        target_id {text},
        scope {text},
        status {integer},
        error {text} NOT NULL,
        run_id {text} NOT NULL,
        updated_at {text} NOT NULL,
        CONSTRAINT records_target UNIQUE (entity, target_id)
    ){strict}""",
    "CREATE INDEX records_open ON records (state, entity, rk) WHERE state <> 'created'",
    """CREATE TABLE links (
        rk {text} NOT NULL REFERENCES records (rk),
        field {text} NOT NULL,
        parent {text} NOT NULL,
        done {integer} NOT NULL,
        PRIMARY KEY (rk, field)
    ){strict}{by_key}""",
    "CREATE INDEX links_pending ON links (rk, field) WHERE done = 0",
    """CREATE TABLE uploads (
        rk {text} NOT NULL PRIMARY KEY REFERENCES records (rk),
        size_bytes {integer} NOT NULL,
        done {integer} NOT NULL
    ){strict}""",
    "CREATE INDEX uploads_pending ON uploads (rk) WHERE done = 0",
    """CREATE TABLE attributes (
        rk {text} NOT NULL REFERENCES records (rk),
        name {text} NOT NULL,
        value {text} NOT NULL,
        PRIMARY KEY (rk, name)
    ){strict}{by_key}""",
    """CREATE TABLE attempts (
        rk {text} NOT NULL REFERENCES records (rk),
        attempt {integer} NOT NULL,
        run_id {text} NOT NULL,
        epoch {integer} NOT NULL,
        intent_at {text} NOT NULL,
        class {text},
        status {integer},
        error {text} NOT NULL,
        settled_at {text},
        PRIMARY KEY (rk, attempt)
    ){strict}{by_key}""",
    """CREATE TABLE runs (
        number {number} NOT NULL PRIMARY KEY,
        run_id {text} NOT NULL UNIQUE,
        command {text} NOT NULL,
        started {text} NOT NULL,
        ended {text},
        stage {text} NOT NULL,
        exit_code {integer},
        fingerprints {text} NOT NULL
    ){strict}""",
    """CREATE TABLE watermarks (
        source {text} NOT NULL,
        table_name {text} NOT NULL,
        column_name {text} NOT NULL,
        value {text} NOT NULL,
        run_id {text} NOT NULL,
        PRIMARY KEY (source, table_name, column_name)
    ){strict}{by_key}""",
    """CREATE TABLE lease (
        id {integer} NOT NULL PRIMARY KEY CHECK (id = 1),
        host {text} NOT NULL,
        boot_id {text} NOT NULL,
        pid {integer} NOT NULL,
        process_start {integer} NOT NULL,
        command {text} NOT NULL,
        run_id {text} NOT NULL,
        taken_at {text} NOT NULL,
        released {integer} NOT NULL,
        epoch {integer} NOT NULL
    ){strict}""",
    "INSERT INTO lease VALUES (1, '', '', 0, 0, '', '', '', 1, 0)",
)
