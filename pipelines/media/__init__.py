"""Files with pictures and sound: `export` is the only way one leaves, `video` is how one is read."""
