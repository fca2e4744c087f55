"""Pretraining: batches from the store, the one training loop, checkpoints that survive anything."""
