"""From a model's description to a loaded model whose weights are the ones its card names."""
