"""What a fleet is: frozen specs, and the look-up by name."""
