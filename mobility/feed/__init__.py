"""Feeds: GTFS -> findings -> Feed -> ServiceDay. Nothing else reads a feed's files."""

from mobility.feed.day import ServiceDay
from mobility.feed.feed import Feed
from mobility.feed.read import read_feed

__all__ = ["Feed", "ServiceDay", "read_feed"]
