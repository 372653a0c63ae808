"""How files are written, and why they cannot be: the ground on which all of cimc stands."""
