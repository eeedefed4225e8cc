-- By what the studio knows the cookies that it gave out to browsers (studio.people).

CREATE TABLE cookies (secret BLOB NOT NULL) STRICT;
INSERT INTO cookies VALUES (randomblob(32));
