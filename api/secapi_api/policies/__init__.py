"""What namespaces may scan: ScanPolicies over REST."""
