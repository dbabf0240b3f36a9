"""The one folder that runs ssh-keygen: making signatures and verifying them; it knows nothing of ledgers."""
