"""Infrastructure: one protocol, and the two providers that come with schiff; others arrive by entry point."""
