-- Jobs, the queues of their owners, and how long things take here. Times are seconds since 1970.

CREATE TABLE jobs (
    id          TEXT PRIMARY KEY,
    owner       TEXT NOT NULL,
    request     TEXT NOT NULL,               -- JSON of pipelines.requests
    state       TEXT NOT NULL DEFAULT 'queued'
                CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled', 'interrupted')),
    priority    INTEGER NOT NULL DEFAULT 0,  -- among the owner's own jobs
    rank        INTEGER NOT NULL,            -- among those of equal priority: lower comes first
    kind        TEXT NOT NULL,               -- what the speed depends on, but for size and steps
    size        INTEGER NOT NULL,            -- frames, or seconds of sound
    phase       TEXT NOT NULL DEFAULT '',
    step        INTEGER NOT NULL DEFAULT 0,
    steps       INTEGER NOT NULL,
    fraction    REAL NOT NULL DEFAULT 0,
    message     TEXT NOT NULL DEFAULT '',
    notes       TEXT NOT NULL DEFAULT '[]',
    eta_s       REAL,                        -- as seen at the time of the heartbeat
    preview     INTEGER NOT NULL DEFAULT 0,
    clip        TEXT,
    stop        REAL,                        -- when its owner asked to stop it
    attempts    INTEGER NOT NULL DEFAULT 0,
    worker      TEXT,
    heartbeat   REAL,
    created     REAL NOT NULL,
    started     REAL,
    finished    REAL
) STRICT;

CREATE INDEX jobs_by_state ON jobs (state, owner);
CREATE INDEX jobs_by_owner ON jobs (owner, created);

CREATE TABLE queues (                        -- one for each owner; '' is the whole studio
    owner       TEXT PRIMARY KEY,
    paused      INTEGER NOT NULL DEFAULT 0,
    served      REAL NOT NULL DEFAULT 0      -- when a job of this owner was last begun
) STRICT;

CREATE TABLE speeds (
    kind        TEXT NOT NULL,
    size        INTEGER NOT NULL,
    step_s      REAL NOT NULL,               -- seconds for one denoising step
    rest_s      REAL NOT NULL,               -- for everything else but loading the model
    PRIMARY KEY (kind, size)
) STRICT;

-- Who is next. An interrupted job goes on first; then every owner's first job before anybody's second, and among
-- these the owner who was served longest ago.
CREATE VIEW line AS
SELECT id, row_number() OVER (ORDER BY state = 'interrupted' DESC, turn, served, owner) AS place
FROM (
    SELECT jobs.id, jobs.owner, jobs.state, coalesce(queues.served, 0) AS served,
           row_number() OVER (PARTITION BY jobs.owner ORDER BY jobs.priority DESC, jobs.rank) AS turn
    FROM jobs LEFT JOIN queues ON queues.owner = jobs.owner
    WHERE jobs.state IN ('queued', 'interrupted')
      AND NOT EXISTS (SELECT 1 FROM queues AS held WHERE held.paused AND held.owner IN ('', jobs.owner))
);
