"""Wheeled-power trading: a member sells to another member over the public network, for a fee."""
