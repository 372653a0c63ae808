"""Reports as text: the summary, tables, comparisons, CSV."""
