"""Figures on real photos: ``python -m benchmarks accuracy | failures | speed``."""
