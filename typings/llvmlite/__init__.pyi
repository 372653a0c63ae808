"""The part of llvmlite 0.50 that cimc uses: the code of vector instructions."""
