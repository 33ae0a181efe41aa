"""Weight formats: linear layers whose weights are fp32, bf16, int8, int4, or the blocks of a GGUF file."""
