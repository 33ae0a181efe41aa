"""The engine: linear layers in every weight format, and the kernels behind them."""
