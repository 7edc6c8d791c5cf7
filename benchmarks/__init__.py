"""Measurements behind docs/benchmarks.md. Each module compares with what a user would take instead, interleaved in one run."""
