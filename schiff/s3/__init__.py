"""The one folder that talks to S3: objects that are written once and locked; it knows nothing of ledgers."""
