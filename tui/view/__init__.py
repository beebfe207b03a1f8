"""How it looks: the only room with Textual."""
