"""The science: pure functions on numbers and arrays. Knows no GIS and no database."""
