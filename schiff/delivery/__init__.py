"""Writing: to Git and to ledgers, and the Pulumi provider that does it."""
