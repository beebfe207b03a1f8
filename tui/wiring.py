"""Composition root: the only file where all rooms of the house meet."""
