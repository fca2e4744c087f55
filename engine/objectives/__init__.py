"""What pretraining asks of a backbone: one file an objective, one contract for all."""
