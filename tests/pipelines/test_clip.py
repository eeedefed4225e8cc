"""A clip knows its size, length and kind, and refuses arrays of another shape."""

import numpy as np
import pytest

from pipelines.clip import Clip


def test_a_clip_knows_its_measures():
    clip = Clip(frames=np.zeros((24, 48, 64, 3), np.uint8), fps=16)
    assert (clip.width, clip.height, clip.seconds, clip.still) == (64, 48, 1.5, False)


def test_one_frame_is_a_still():
    assert Clip(frames=np.zeros((1, 48, 64, 3), np.uint8), fps=16).still


@pytest.mark.parametrize("shape", [(48, 64, 3), (1, 48, 64, 4), (1, 3, 48, 64)])
def test_frames_of_another_shape_are_a_mistake(shape: tuple[int, ...]):
    with pytest.raises(AssertionError):
        Clip(frames=np.zeros(shape, np.uint8), fps=16)


def test_frames_and_sound_of_another_type_are_a_mistake():
    frames = np.zeros((1, 48, 64, 3), np.uint8)
    with pytest.raises(AssertionError):
        Clip(frames=frames.astype(np.float32), fps=16)
    with pytest.raises(AssertionError):
        Clip(frames=frames, fps=16, audio=np.zeros((10, 2), np.float64))
    with pytest.raises(AssertionError):
        Clip(frames=frames, fps=16, audio=np.zeros(10, np.float32))
