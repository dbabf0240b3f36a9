"""What runs on a cluster: one protocol, and the components that come with schiff; others arrive by entry point."""
