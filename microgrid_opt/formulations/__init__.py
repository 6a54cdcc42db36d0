"""Mathematics that several technologies share."""
