"""Forms: what people may send."""
