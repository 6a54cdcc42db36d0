"""Trading between the members of a park over the public network."""
