"""What the autoscaler's settings cost and hold, on fleets and days that no machine here could run."""
