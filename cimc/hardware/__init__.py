"""The chips that cimc knows, as TOML files, and how chip files are read."""
