"""AWS: authorization details, credential report, access keys, and what its policies mean."""
