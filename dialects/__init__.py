"""The languages of cimc: what hardware there is, what to compute, and where and when."""
