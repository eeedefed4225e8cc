-- People who sign in with a password (RUSHES_AUTH=local), and the browsers in which they are signed in.
CREATE TABLE people (
    name     TEXT PRIMARY KEY,
    password TEXT NOT NULL,
    admin    INTEGER NOT NULL DEFAULT 0,
    created  REAL NOT NULL
) WITHOUT ROWID;

-- `token` is a hash: who reads this table cannot sign in with it.
CREATE TABLE visits (
    token   TEXT PRIMARY KEY,
    person  TEXT NOT NULL REFERENCES people (name) ON DELETE CASCADE,
    expires REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX visits_person ON visits (person);
