"""Whether an external model is what its card says, and what happens where the card is wrong."""
