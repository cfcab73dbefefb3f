"""Projects, verification, filing, issuance, serials, the ledger and certificates."""
