"""The history of observations: appended in batches by binary COPY, with the latest values beside it."""
