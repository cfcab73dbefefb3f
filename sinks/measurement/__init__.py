"""Measurement: layers, plots, and runs that join the cells of `gis_data` with a method."""
