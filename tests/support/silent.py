"""A scheduler and turns that are told of slices, and do nothing."""

from __future__ import annotations


class Silent:
    """Both of what a handler of jobs tells."""

    def nudge(self, job):
        """Ask for nothing."""

    def finished(self, job, pages):
        """Remember nothing."""

    def shorten(self, job):
        return False

    async def give_way(self, job, deliveries, error):
        return False
