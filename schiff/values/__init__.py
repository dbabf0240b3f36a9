"""Small immutable values, parsed once: names, versions, networks, digests."""
