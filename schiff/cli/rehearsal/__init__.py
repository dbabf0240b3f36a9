"""A season in minutes: a fleet taken through simulated time with the real parts, and the story that it tells."""
