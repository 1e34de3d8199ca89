"""Changing the primary: a protocol as a pure function, and its execution over the two stores."""
