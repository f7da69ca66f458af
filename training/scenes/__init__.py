"""The world of Scenes: its vocabulary, its renderer and its captions."""
