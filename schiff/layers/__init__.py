"""From raw layers to one value for each field, with where it came from."""
