"""sites.toml and sites.d to a Fleet: every problem at once, each with file, line, key and the nearest right word."""
