"""The headless commands: one file per command group; each imports only what it uses."""
