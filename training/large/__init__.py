"""Teaches the model that draws to finish large pictures that began at half the resolution."""
