"""What makes a batch one batch, however many processes share it: sums over all of them, draws by a crop's number."""
