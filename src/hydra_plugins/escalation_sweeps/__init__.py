"""How train.py sweeps; Hydra finds it here, where it wants plugins to be."""
