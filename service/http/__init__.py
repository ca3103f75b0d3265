"""What every answer has in common, whatever feature it comes from."""
