"""Reading: fleet folders, ledger branches, schemas, plug-ins; what comes in from outside."""
