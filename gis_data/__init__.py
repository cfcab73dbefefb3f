"""Reading, checking and measuring vectors and rasters. Knows no database."""
