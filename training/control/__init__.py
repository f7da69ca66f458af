"""A ControlNet for Scenes: outlines of the renderer's things steer what the model draws."""
