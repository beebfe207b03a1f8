"""storewatch: a control room in the terminal for people who run many storefronts."""

__version__ = "0.1.0"
