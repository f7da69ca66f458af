"""Adapters of the model that draws, with which it needs fewer evaluations of its U-Net."""
