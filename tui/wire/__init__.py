"""What room and viewer say to each other."""
