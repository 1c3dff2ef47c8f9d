"""Measures codex_cffi and the official SDK side by side, against one scripted model server: `python -m benchmarks`."""
