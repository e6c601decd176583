"""SecAPI operator: reconciles custom resources into the ledger and writes their status."""
