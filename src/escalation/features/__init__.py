"""Features: scikit-learn transformers from texts to numbers. Numpy, scikit-learn and at most one heavy library each."""
