"""The Python interface; `cimc` itself gives all of it out (cimc/__init__.py), and docs/python.md describes it."""
