"""The networks, with the tensor names of diffusers and transformers."""
