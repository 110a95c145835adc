"""What happens to a recording: it is read (`reading`), and its session is tied to the record (`matching`)."""
