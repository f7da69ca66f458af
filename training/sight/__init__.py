"""The eyes for Scenes: a promptable segmenter and a tagger, trained on renders that know what every pixel shows."""
