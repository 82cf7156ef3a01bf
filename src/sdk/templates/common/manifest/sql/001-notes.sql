-- The table of the notes. Written in the SQL of PostgreSQL; it runs once, when the plugin is installed.
CREATE TABLE IF NOT EXISTS plugin_sandpool_notes (
    id         VARCHAR(32)  PRIMARY KEY,
    title      VARCHAR(200) NOT NULL,
    text       TEXT         NOT NULL DEFAULT '',
    author     VARCHAR(64)  NOT NULL,
    written_at BIGINT       NOT NULL
);

CREATE INDEX IF NOT EXISTS idx_plugin_sandpool_notes_written ON plugin_sandpool_notes (written_at);
