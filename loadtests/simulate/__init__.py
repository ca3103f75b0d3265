"""What the autoscaler's settings cost and achieve, on simulated fleets and days too large for one machine."""
