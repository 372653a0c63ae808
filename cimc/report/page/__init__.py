"""Reports as a page: one file that needs no network, for browsers."""
