"""Rules that bind a whole park or member: carbon, shares, tariffs."""
