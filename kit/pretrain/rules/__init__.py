"""Procedural tasks: small functions that draw a rule once and then pairs that follow it."""
