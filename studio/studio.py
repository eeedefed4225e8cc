"""The studio without a face: everything that a page, an API call or a command works with, opened together."""

from dataclasses import dataclass
from typing import Self

from studio import seal
from studio.arena import Arena
from studio.db import Database
from studio.gallery import Gallery
from studio.jobs import Jobs, Limits
from studio.people import People
from studio.quota import Quota
from studio.settings import Settings
from studio.supervisor import Inline, Supervisor


@dataclass(frozen=True, kw_only=True)
class Studio:
    """One data folder, open. Jobs are stored at once; they are done after `supervisor.start()`."""

    settings: Settings
    database: Database
    jobs: Jobs
    gallery: Gallery
    arena: Arena
    people: People
    supervisor: Supervisor | Inline

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Makes or finds the data folder and its database. Raises `Unavailable` if nothing can be kept there."""
        database = Database(settings.data / "rushes.db")
        gallery = Gallery(database, settings.clips)
        quota = Quota(gallery=gallery, megapixel_seconds=settings.max_megapixel_seconds, disk_mb=settings.max_disk_mb)
        jobs = Jobs(database, limits=Limits(each=settings.max_waiting), quota=quota, policy=seal.policy(settings))
        runner = Inline if settings.runner == "inline" else Supervisor
        return cls(
            settings=settings,
            database=database,
            jobs=jobs,
            gallery=gallery,
            arena=Arena(database, settings.data / "studies"),
            people=People(database, auth=settings.auth, alone=settings.alone),
            supervisor=runner(jobs, gallery, settings),
        )

    def close(self) -> None:
        """Ends the worker; a job that runs goes on when the studio is opened again."""
        self.supervisor.close()
        self.database.close()
