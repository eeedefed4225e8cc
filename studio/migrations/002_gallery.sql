-- Clips of all owners. `number` grows with time, so that newest first needs no sorting, not even of search results.
CREATE TABLE clips (
    number    INTEGER PRIMARY KEY AUTOINCREMENT,
    id        TEXT NOT NULL UNIQUE,
    owner     TEXT NOT NULL,
    job       TEXT,
    request   TEXT NOT NULL,
    task      TEXT NOT NULL,
    model     TEXT NOT NULL,
    prompt    TEXT NOT NULL,
    kind      TEXT NOT NULL CHECK (kind IN ('clip', 'still', 'sound')),
    aspect    TEXT NOT NULL,
    seconds   REAL NOT NULL,
    frames    INTEGER NOT NULL,
    fps       INTEGER NOT NULL,
    width     INTEGER NOT NULL,
    height    INTEGER NOT NULL,
    seed      INTEGER NOT NULL,
    starred   INTEGER NOT NULL DEFAULT 0,
    created   REAL NOT NULL,
    bytes     INTEGER NOT NULL,
    elapsed_s REAL NOT NULL,
    deleted   REAL,
    undo      TEXT
);

-- Holds every filter, so that counting and turning pages never touch the rows themselves.
CREATE INDEX clips_page ON clips (owner, number, created, task, model, aspect, starred, deleted) WHERE deleted IS NULL;
CREATE INDEX clips_deleted ON clips (deleted) WHERE deleted IS NOT NULL;
CREATE INDEX clips_undo ON clips (undo) WHERE undo IS NOT NULL;
CREATE INDEX clips_bytes ON clips (owner, bytes);

CREATE TABLE clip_tags (
    clip INTEGER NOT NULL REFERENCES clips (number) ON DELETE CASCADE,
    tag  TEXT NOT NULL,
    PRIMARY KEY (clip, tag)
) WITHOUT ROWID;
CREATE INDEX clip_tags_tag ON clip_tags (tag, clip);

-- Words of the prompts of what is not deleted, found by their beginnings, whatever their case and accents. The owner,
-- as one word, is in the index too, so that counting what was found never touches the rows either.
CREATE VIRTUAL TABLE clip_words USING fts5 (
    owner, prompt, content = '', tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2 3'
);
CREATE TRIGGER clips_added AFTER INSERT ON clips WHEN new.deleted IS NULL BEGIN
    INSERT INTO clip_words (rowid, owner, prompt) VALUES (new.number, hex(new.owner), new.prompt);
END;
CREATE TRIGGER clips_restored AFTER UPDATE OF deleted ON clips WHEN old.deleted IS NOT NULL AND new.deleted IS NULL BEGIN
    INSERT INTO clip_words (rowid, owner, prompt) VALUES (new.number, hex(new.owner), new.prompt);
END;
CREATE TRIGGER clips_hidden AFTER UPDATE OF deleted ON clips WHEN old.deleted IS NULL AND new.deleted IS NOT NULL BEGIN
    INSERT INTO clip_words (clip_words, rowid, owner, prompt) VALUES ('delete', old.number, hex(old.owner), old.prompt);
END;
CREATE TRIGGER clips_removed AFTER DELETE ON clips WHEN old.deleted IS NULL BEGIN
    INSERT INTO clip_words (clip_words, rowid, owner, prompt) VALUES ('delete', old.number, hex(old.owner), old.prompt);
END;
