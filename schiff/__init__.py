"""schiff: a Kubernetes fleet as typed data, compiled into Git and promoted on evidence."""
