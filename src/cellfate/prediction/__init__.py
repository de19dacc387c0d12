"""The fate of tracked cells while they live, by a trained model, for recordings without fates."""
