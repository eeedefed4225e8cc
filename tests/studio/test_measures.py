"""Facts of a clip: measured once, kept beside it, and missing in one sentence where that cannot be."""

from pathlib import Path

import pytest

from pipelines.clip import Clip
from pipelines.errors import Unavailable
from pipelines.media import export
from studio import measures


def test_facts_that_cannot_be_kept_are_refused_in_one_sentence(still: Clip, tmp_path: Path):
    path = export.save(still, tmp_path / "still.png")
    (tmp_path / measures.FACTS).mkdir()
    with pytest.raises(Unavailable, match="nothing can be kept in"):
        measures.measure(path)
    assert sorted(tmp_path.iterdir()) == [tmp_path / measures.FACTS, path]
