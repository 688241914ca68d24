"""Many requests solved side by side, in processes of their own."""
