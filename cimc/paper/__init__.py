"""The tables of arXiv 2510.11192 with our figures beside the paper's: `python -m cimc.paper`."""
