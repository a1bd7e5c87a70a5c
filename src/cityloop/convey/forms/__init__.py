"""What people fill in: data sets, contracts, devices; one module a concern, which the views import by its own name."""
