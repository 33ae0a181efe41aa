"""Forward passes, a family a file. Each reads like the architecture; `NETWORKS` finds it by `model_type`."""
