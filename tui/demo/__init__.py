"""The embedded fleet: real HTTP and SSH servers on loopback over a temporary folder."""
