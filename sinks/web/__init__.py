"""HTTP routes beside the screens: signing in, the public pages, papers, tiles, health."""
