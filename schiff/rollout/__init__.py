"""Which release runs where: releases, the ledger of each environment, and the assignments they add up to."""
