"""How good a model is: figures with intervals, and pictures of them. Knows codebooks, no models."""
