"""GGUF files: header, blocks, names, configuration and tokenizer, read without the `gguf` package."""
