"""Look before you import: what the portal would read from any file or folder, said without a database."""
