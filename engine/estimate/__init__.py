"""What a pretraining would cost on this machine, told before it is started."""
