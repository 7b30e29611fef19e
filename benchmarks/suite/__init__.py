"""The asv suite: time, memory and quality of the public functions over versions."""
