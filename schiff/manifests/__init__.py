"""Kubernetes objects as values, their bytes, and one module for each API family that builds them."""
