"""Time, energy and area of what a program does: pure formulas, each in docs/cost-model.md."""
