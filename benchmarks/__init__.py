"""Speed of microgrid_opt against its peers, on models that are proven equal first."""
