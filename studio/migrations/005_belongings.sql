-- Who brought which file ("inputs/<sha256>.png"): a request may name only what its owner has brought.
CREATE TABLE belongings (
    reference TEXT NOT NULL,
    owner     TEXT NOT NULL,
    PRIMARY KEY (reference, owner)
) WITHOUT ROWID;
