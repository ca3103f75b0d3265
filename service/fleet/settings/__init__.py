"""What there is to set in an application, whatever it is for."""
