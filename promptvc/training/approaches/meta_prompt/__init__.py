"""Rules out of what people say: proposed by a model, or drawn from their words."""
