"""Trains the model that draws by the gradient of a critic's opinion of its pictures."""
