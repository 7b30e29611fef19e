"""Benchmarks: a registry of cases, contenders side by side in one run, results that say where and when."""
