"""The one folder that runs Git: clones, objects, commits, pushes; it knows nothing of fleets."""
