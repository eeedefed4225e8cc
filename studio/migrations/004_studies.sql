-- Blind studies: prompts x systems give takes, two takes of a prompt a pair, a pair shown to a rater a ballot,
-- and a ballot's answer on one axis a vote. Times are seconds since 1970; files are relative to the studies' folder.

CREATE TABLE studies (
    id       TEXT PRIMARY KEY,
    owner    TEXT NOT NULL,
    title    TEXT NOT NULL,
    task     TEXT NOT NULL,
    axes     TEXT NOT NULL,                  -- JSON list of names of studio.arena.AXES
    seed     INTEGER NOT NULL,               -- order and sides of all pairs come from it
    raters   INTEGER NOT NULL,               -- wanted for every pair
    repeats  REAL NOT NULL,                  -- share of ballots that show a rater an earlier pair again, sides swapped
    controls REAL NOT NULL,                  -- share of ballots whose answer is known
    link     TEXT NOT NULL UNIQUE,           -- whoever has it may vote
    created  REAL NOT NULL,
    opened   REAL,
    closed   REAL
) STRICT;
CREATE INDEX studies_by_owner ON studies (owner, created);

CREATE TABLE systems (
    id       INTEGER PRIMARY KEY,
    study    TEXT NOT NULL REFERENCES studies (id) ON DELETE CASCADE,
    name     TEXT NOT NULL,
    settings TEXT NOT NULL,                  -- JSON: fields of the request that are the same for all prompts
    UNIQUE (study, name)
) STRICT;

CREATE TABLE prompts (
    id      INTEGER PRIMARY KEY,
    study   TEXT NOT NULL REFERENCES studies (id) ON DELETE CASCADE,
    name    TEXT NOT NULL,
    text    TEXT NOT NULL,
    concept TEXT NOT NULL DEFAULT '',        -- tags joined by ;
    motion  TEXT NOT NULL DEFAULT '',
    UNIQUE (study, name)
) STRICT;

CREATE TABLE takes (
    id     INTEGER PRIMARY KEY,
    system INTEGER NOT NULL REFERENCES systems (id) ON DELETE CASCADE,
    prompt INTEGER NOT NULL REFERENCES prompts (id) ON DELETE CASCADE,
    seed   INTEGER,
    job    TEXT,                             -- while it is being made
    file   TEXT,                             -- the voting copy, once there is one
    fps    INTEGER,
    still  INTEGER,
    UNIQUE (system, prompt)
) STRICT;

CREATE TABLE pairs (
    id      INTEGER PRIMARY KEY,
    study   TEXT NOT NULL REFERENCES studies (id) ON DELETE CASCADE,
    prompt  INTEGER NOT NULL REFERENCES prompts (id) ON DELETE CASCADE,
    a       INTEGER NOT NULL REFERENCES takes (id) ON DELETE CASCADE,
    b       INTEGER NOT NULL REFERENCES takes (id) ON DELETE CASCADE,
    control INTEGER NOT NULL,                -- 1: b answers another prompt, so a should win
    UNIQUE (a, b)
) STRICT;
CREATE INDEX pairs_by_study ON pairs (study, control);

CREATE TABLE raters (
    id     INTEGER PRIMARY KEY,
    study  TEXT NOT NULL REFERENCES studies (id) ON DELETE CASCADE,
    name   TEXT NOT NULL,                    -- a hash of the browser's owner, another one in every study
    joined REAL NOT NULL,
    UNIQUE (study, name)
) STRICT;

CREATE TABLE ballots (
    id         TEXT PRIMARY KEY,
    pair       INTEGER NOT NULL REFERENCES pairs (id) ON DELETE CASCADE,
    rater      INTEGER NOT NULL REFERENCES raters (id) ON DELETE CASCADE,
    repeat     INTEGER NOT NULL,
    swapped    INTEGER NOT NULL,             -- 1: b is on the left
    left_name  TEXT NOT NULL UNIQUE,         -- random names of the two files in this ballot
    right_name TEXT NOT NULL UNIQUE,
    left_seen  INTEGER NOT NULL DEFAULT 0,
    right_seen INTEGER NOT NULL DEFAULT 0,
    issued     REAL NOT NULL,
    answered   REAL,
    UNIQUE (pair, rater, repeat)
) STRICT;
CREATE INDEX ballots_by_rater ON ballots (rater, answered);

CREATE TABLE votes (
    ballot TEXT NOT NULL REFERENCES ballots (id) ON DELETE CASCADE,
    axis   TEXT NOT NULL,
    margin INTEGER NOT NULL CHECK (margin BETWEEN -2 AND 2),  -- positive: a is better
    bad    INTEGER NOT NULL,                                  -- 1: both are bad, a tie
    PRIMARY KEY (ballot, axis)
) STRICT, WITHOUT ROWID;
