"""Source tables as files: CSV, FITS binary table, DS9 regions. Pure functions of ``SourceTable``."""

from .columns import COLUMNS, Column
from .csvtable import csv_text
from .fitstable import fits_bytes
from .regions import region_text

__all__ = ["COLUMNS", "Column", "csv_text", "fits_bytes", "region_text"]
