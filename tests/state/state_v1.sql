-- A state database of version 1, frozen: no later version may fail to open it.
PRAGMA application_id = 1128420165;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE attempts (
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
    ) STRICT, WITHOUT ROWID;
INSERT INTO "attempts" VALUES('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',1,'r1',1,'2026-07-01T12:00:00.000+00:00','committed',NULL,'','2026-07-01T12:00:00.000+00:00');
INSERT INTO "attempts" VALUES('bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',1,'r1',1,'2026-07-01T12:00:00.000+00:00',NULL,NULL,'',NULL);
CREATE TABLE attributes (
        rk TEXT NOT NULL REFERENCES records (rk),
        name TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (rk, name)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "attributes" VALUES('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','assignment_id','42');
CREATE TABLE lease (
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
    ) STRICT;
INSERT INTO "lease" VALUES(1,'','',0,0,'run','r1','2026-07-01T12:00:00+00:00',1,7);
CREATE TABLE links (
        rk TEXT NOT NULL REFERENCES records (rk),
        field TEXT NOT NULL,
        parent TEXT NOT NULL,
        done INTEGER NOT NULL,
        PRIMARY KEY (rk, field)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "links" VALUES('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','mother','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',0);
CREATE TABLE meta (
        name TEXT NOT NULL PRIMARY KEY,
        value TEXT NOT NULL
    ) STRICT;
INSERT INTO "meta" VALUES('project','intake');
INSERT INTO "meta" VALUES('target','sandbox');
INSERT INTO "meta" VALUES('key_check','0011');
CREATE TABLE records (
        rk TEXT NOT NULL PRIMARY KEY,
        entity TEXT NOT NULL,
        mapping TEXT NOT NULL,
        state TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        field_hashes BLOB NOT NULL,
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
    ) STRICT;
INSERT INTO "records" VALUES('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','person','people','created','f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1',X'0102',1,1,'2026-07-01T12:00:00.000+00:00','id-1',NULL,NULL,'','r1','2026-07-01T12:00:00.000+00:00');
INSERT INTO "records" VALUES('bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb','person','people','intent','f2f2f2f2f2f2f2f2f2f2f2f2f2f2f2f2',X'0304',1,1,'2026-07-01T12:00:00.000+00:00',NULL,'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',NULL,'','r1','2026-07-01T12:00:00.000+00:00');
CREATE TABLE runs (
        number INTEGER NOT NULL PRIMARY KEY,
        run_id TEXT NOT NULL UNIQUE,
        command TEXT NOT NULL,
        started TEXT NOT NULL,
        ended TEXT,
        stage TEXT NOT NULL,
        exit_code INTEGER,
        fingerprints TEXT NOT NULL
    ) STRICT;
INSERT INTO "runs" VALUES(1,'r1','run','2026-07-01T12:00:00+00:00',NULL,'load',NULL,'{"plan": "aa"}');
CREATE TABLE uploads (
        rk TEXT NOT NULL PRIMARY KEY REFERENCES records (rk),
        size_bytes INTEGER NOT NULL,
        done INTEGER NOT NULL
    ) STRICT;
INSERT INTO "uploads" VALUES('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',5,0);
CREATE TABLE watermarks (
        source TEXT NOT NULL,
        table_name TEXT NOT NULL,
        column_name TEXT NOT NULL,
        value TEXT NOT NULL,
        run_id TEXT NOT NULL,
        PRIMARY KEY (source, table_name, column_name)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "watermarks" VALUES('legacy','CLIENT','CHANGED','2026-06-30','r1');
CREATE INDEX records_open ON records (state, entity, rk) WHERE state <> 'created';
CREATE INDEX links_pending ON links (rk, field) WHERE done = 0;
CREATE INDEX uploads_pending ON uploads (rk) WHERE done = 0;
COMMIT;
