"""Rows of parquet files for people to look at: any row, filtered, without loading the rest.

`splits` finds the files of a split, `reader` fetches rows and counts labels, `cells` turns values
into what a page shows, `pictures` makes small copies of images.
"""
