"""The registry: land, measurement, crediting, cooperatives, restoration, and the ways in."""

VERSION = "0.1.0"
