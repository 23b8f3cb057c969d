"""Models: scikit-learn classifiers over texts, and the form they are saved in."""
