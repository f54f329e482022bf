"""L1: git itself: repositories, objects, commits by compare-and-swap, trailers, remotes."""
