"""What users see: output, progress and reports."""
