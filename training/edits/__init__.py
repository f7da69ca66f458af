"""Scenes learns to edit: one thing more in a picture, masks around it, and what a masked model sees of them."""
