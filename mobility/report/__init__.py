"""Reports: results of all domains on one HTML page that opens from a disk, without a network."""

from mobility.report.make import make_page, write_report
from mobility.report.page import Figure, Page, Part
from mobility.report.read import Answer, read_result

__all__ = ["Answer", "Figure", "Page", "Part", "make_page", "read_result", "write_report"]
